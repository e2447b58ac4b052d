/** Start the page. */
import "./styles/tokens.css";
import "./styles/base.css";
import { render } from "preact";
import { App } from "./app";
import { applyPrefs } from "./state/prefs";
import { loadAccount } from "./state/account";
import { startNotifications } from "./state/notifications";
import { watchForeground } from "./api/connection";

applyPrefs();
watchForeground();
void loadAccount();
startNotifications();
const root = document.getElementById("app");
if (root) render(<App />, root);
