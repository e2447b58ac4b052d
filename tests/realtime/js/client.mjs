// Run one scenario with the official client and print what it saw, one JSON value per line.
import { io } from "socket.io-client";

const [url, scenario, transports] = process.argv.slice(2);
const say = (...values) => console.log(JSON.stringify(values));
const options = { transports: transports.split(","), reconnection: false, timeout: 4000, forceNew: true };
const once = (socket, event) => new Promise((resolve) => socket.once(event, (...args) => resolve(args)));
const hex = (data) => Buffer.from(data).toString("hex");
setTimeout(() => process.exit(3), 15000).unref();

const scenarios = {
  async talk() {
    const socket = io(url + "/talk", { ...options, auth: { token: "t" } });
    const hello = once(socket, "hello");
    await once(socket, "connect");
    say("hello", ...(await hello));
    const engine = socket.io.engine;
    if (options.transports.includes("websocket") && engine.transport.name === "polling") {
      await new Promise((resolve) => engine.once("upgrade", resolve));
    }
    say("transport", engine.transport.name);
    say("ack", await socket.timeout(4000).emitWithAck("echo", { text: "é\u{1F600}", list: [1, null, true] }));
    say("surrogate", await socket.timeout(4000).emitWithAck("echo", "cut \ud83d"));
    const binary = await socket.timeout(4000).emitWithAck("echo", { data: Uint8Array.from([0, 1, 255]) });
    say("binary", hex(binary.data));
    const large = "x".repeat(300000);
    say("large", (await socket.timeout(4000).emitWithAck("echo", large)) === large);
    socket.on("question", (value, reply) => reply({ answer: value + 1 }));
    say("called", await socket.timeout(4000).emitWithAck("call me", 41));
    const order = [];
    socket.on("count", (n) => order.push(n));
    for (let n = 0; n < 200; n++) socket.emit("count", n);
    await socket.timeout(4000).emitWithAck("echo", 0);
    say("order", order.length === 200 && order.every((n, i) => n === i));
    socket.disconnect();
    say("done");
  },
  async refused() {
    const socket = io(url + "/refused", options);
    const [error] = await once(socket, "connect_error");
    say(error.message, error.data);
    socket.disconnect();
    const unknown = io(url + "/unknown", options);
    const [invalid] = await once(unknown, "connect_error");
    say(invalid.message);
    unknown.disconnect();
  },
  async shared() {
    const { forceNew, ...sharing } = options;
    const first = io(url + "/talk", sharing);
    const second = io(url + "/other", sharing);
    await Promise.all([once(first, "connect"), once(second, "connect")]);
    say("shared", first.io === second.io);
    const [reason] = await Promise.all([once(second, "disconnect"), second.emit("kick me")]);
    say(reason[0]);
    say("neighbour", first.connected, await first.timeout(4000).emitWithAck("echo", "still here"));
    second.connect();
    await once(second, "connect");
    say("again", second.connected, first.connected);
    first.disconnect();
    say("left", second.connected);
    second.disconnect();
  },
  async dropped() {
    const socket = io(url + "/talk", { ...options, reconnection: true, reconnectionDelay: 20 });
    await once(socket, "connect");
    const id = socket.id;
    const gone = once(socket, "disconnect");
    socket.emit("drop me");
    say((await gone)[0]);
    await once(socket, "connect");
    say("back", socket.id !== id);
    socket.disconnect();
  },
};

await scenarios[scenario]();
process.exit(0);
