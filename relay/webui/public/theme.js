// Chooses the theme before the first paint, so that a dark page never flashes light. Kept apart: the page allows no inline script.
(() => {
  let wanted = "system";
  try {
    wanted = JSON.parse(localStorage.getItem("relay.theme") ?? '"system"');
  } catch {
    // Storage is forbidden here; the system's theme is used.
  }
  const dark = wanted === "dark" || (wanted !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
