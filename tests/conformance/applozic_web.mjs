// applozic-chat, the vendor's older web plugin, on its sample page without a browser (jsdom). It is told the gateway's address; its
// buttons are clicked, and what it shows is read off the page. Its real-time connection finds nobody.
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { assert, check, GATEWAY_URL, notServed, require } from "./checks.mjs";

const { JSDOM, VirtualConsole } = require("jsdom");
const SOURCE = `${dirname(require.resolve("applozic-chat"))}/src`;
const SCRIPTS = [
  "jquery.min", "applozic.plugins.min", "applozic.widget.min", "applozic.emojis.min", "applozic.socket.min", "locationpicker.jquery.min",
  "applozic.aes", "app/applozic.common", "app/fullview/applozic.fullview",
].map((name) => readFileSync(`${SOURCE}/js/${name}.js`, "utf8"));
const SAMPLE = readFileSync(`${SOURCE}/sample/fullview.html`, "utf8").replace(/<script[\s\S]*?<\/script>|<link[^>]*>/g, "");
const KEY = "demo-application-key";
const WORDS = "Grüße, 世界";

/** The plugin on a page of its own, with every request that it makes. */
class Page {
  requests = [];

  constructor(user, options = {}) {
    const { window } = new JSDOM(SAMPLE, {
      url: `${GATEWAY_URL}/`, runScripts: "outside-only", pretendToBeVisual: true, virtualConsole: new VirtualConsole(),
    });
    Object.assign(window, { alert() {}, confirm: () => true, Audio: class { play() {} }, WebSocket: class { close() {} } });
    this.record(window.XMLHttpRequest.prototype);
    for (const script of SCRIPTS) window.eval(script);
    this.window = window;
    this.$ = window.$applozic;
    const given = { baseUrl: GATEWAY_URL, appId: KEY, userId: user, userName: `${user} N.`, authenticationTypeId: 1, ...options };
    this.begun = new Promise((done) => this.$.fn.applozic({ ...given, onInit: (found) => done(plain(found)) }));
  }

  record(prototype) {
    const { open, send } = prototype;
    const { requests } = this;
    prototype.open = function (method, address, ...rest) {
      // The plugin tries the vendor's own host, too, whatever it is told.
      const url = new URL(address.replace("https://apps.applozic.com", GATEWAY_URL));
      this.entry = { method, path: url.pathname, here: url.origin === GATEWAY_URL };
      return open.call(this, method, url.href, ...rest);
    };
    prototype.send = function (body) {
      this.addEventListener("loadend", () => requests.push({ ...this.entry, status: this.status, text: this.responseText }));
      return send.call(this, body);
    };
  }

  /** What the plugin gives to a callback. */
  call(name, options = {}) {
    return new Promise((done) => this.$.fn.applozic(name, { ...options, callback: (found) => done(plain(found)) }));
  }

  /** Do something that has no callback, and wait for the answer to the request that it makes. */
  async requested(path, act) {
    const seen = this.requests.length;
    act();
    return until(() => this.requests.slice(seen).find((request) => request.path === `/rest/ws/${path}`));
  }

  /** Open a conversation on the page. */
  async show(user) {
    await this.requested("message/list", () => this.$.fn.applozic("loadTab", user));
  }

  get text() {
    return this.$("#mck-message-cell").text();
  }

  async texts(user) {
    return (await this.call("getMessages", { userId: user })).data.message.map((message) => message.message);
  }
}

/** The same without what makes an object of another page a different one. */
const plain = (found) => JSON.parse(JSON.stringify(found));

/** Bounded by the time that a check has. */
async function until(found) {
  for (let turn = 0; turn < 700; turn++) {
    const value = found();
    if (value) return value;
    await new Promise((next) => setTimeout(next, 20));
  }
  throw new Error(`not so: ${found}`);
}

const made = await fetch(`${GATEWAY_URL}/rest/ws/user/v2/create`, {
  method: "POST",
  headers: { "Application-Key": KEY, Authorization: `Basic ${btoa("bot:demo-bot-password")}` },
  body: JSON.stringify({ userId: "wilma", password: "secret" }),
});
assert.equal((await made.json()).status, "success");

let wendy, walter;
await check("init, new users", async () => {
  [wendy, walter] = [new Page("wendy"), new Page("walter")];
  for (const page of [wendy, walter]) assert.deepEqual(await page.begun, { status: "success" });
});
await check("init, password", async () => {
  assert.deepEqual(await new Page("wilma", { accessToken: "secret" }).begun, { status: "success" });
});
for (const [call, options, errorMessage] of [
  ["init, wrong password", { accessToken: "wrong" }, "INVALID PASSWORD"],
  ["init, unknown application", { appId: "nobody's" }, "INVALID APPLICATION ID"],
]) {
  await check(call, async () => assert.deepEqual(await new Page("wilma", options).begun, { status: "error", errorMessage }));
}
await check("init, what it asks for", async () => {
  for (const path of ["message/list", "group/list", "user/filter"]) {
    const found = await until(() => wendy.requests.find((request) => request.path === `/rest/ws/${path}`));
    assert.equal(found.status, 200);
  }
});

await check("sendMessage", async () => {
  const { status, text } = await wendy.requested("message/send", () => wendy.$.fn.applozic("sendMessage", { to: "walter", message: WORDS }));
  const { messageKey, createdAt } = JSON.parse(text);
  assert.deepEqual([status, messageKey.slice(0, 2), typeof createdAt], [200, "5-", "number"]);
});
await check("getMessages", async () => assert.deepEqual(await walter.texts("wendy"), [WORDS]));
await check("messageList", async () => {
  const { status, id, messages } = await walter.call("messageList", { id: "wendy", isGroup: false });
  const [{ message, from, to, type, key }] = messages;
  assert.deepEqual([status, id, message, from, to, type, key.slice(0, 2)], ["success", "wendy", WORDS, "wendy", "walter", "inbox", "4-"]);
});
await check("loadTab, the message on the page", async () => {
  await walter.show("wendy");
  await until(() => walter.text.includes(WORDS));
});
await check("delete button of a message", async () => {
  const { text } = await walter.requested("message/delete", () => walter.$(".mck-message-delete").last().trigger("click"));
  assert.equal(text, "success");
  await until(() => !walter.text.includes(WORDS));
  assert.deepEqual([await walter.texts("wendy"), await wendy.texts("walter")], [[], [WORDS]]);
});
await check("getUserDetail", async () => {
  const { status, data } = await wendy.call("getUserDetail", { userIds: ["walter"] });
  assert.deepEqual([status, data.response.map((user) => [user.userId, user.userName])], ["success", [["walter", "walter N."]]]);
});
await check("block button", async () => {
  await wendy.show("walter");
  const press = () => wendy.requested("user/block", () => wendy.$("#mck-block-button").trigger("click"));
  assert.equal(JSON.parse((await press()).text).status, "success");
  const blocked = await walter.requested("message/send", () => walter.$.fn.applozic("sendMessage", { to: "wendy", message: "blocked" }));
  assert.equal(blocked.text, "error");
  assert.equal(JSON.parse((await press()).text).status, "success");
  const sent = await walter.requested("message/send", () => walter.$.fn.applozic("sendMessage", { to: "wendy", message: "not blocked" }));
  assert.ok(JSON.parse(sent.text).messageKey);
});
await check("loadContextualTab", async () => {
  const topic = { userId: "walter", topicId: "shoes-2", topicStatus: "NEW" };
  const { text } = await wendy.requested("conversation/id", () => wendy.$.fn.applozic("loadContextualTab", topic));
  const { topicId, closed, created } = JSON.parse(text).response.conversationPxy;
  assert.deepEqual([topicId, closed, created], ["shoes-2", false, true]);
});
await check("getMessageListByTopicId", async () => {
  const { status, messages } = await walter.call("getMessageListByTopicId", { id: "wendy", isGroup: false, topicId: "shoes-2" });
  assert.deepEqual([status, messages ?? []], ["success", []]);
});
await check("delete button of a conversation", async () => {
  await wendy.show("walter");
  const { text } = await wendy.requested("message/delete/conversation", () => wendy.$(".mck-delete-button").first().trigger("click"));
  assert.equal(text, "success");
});

const GROUP = "web-team";
await check("createGroup", async () => {
  const { status, data } = await wendy.call("createGroup", { groupName: "Wëb", type: 1, users: [{ userId: "walter" }], clientGroupId: GROUP });
  const { clientGroupId, displayName, members, adminName, type, userCount } = data;
  assert.deepEqual(
    { status, clientGroupId, displayName, members: members.sort(), adminName, type, userCount },
    { status: "success", clientGroupId: GROUP, displayName: "Wëb", members: ["walter", "wendy"], adminName: "wendy", type: 1, userCount: 2 },
  );
});
await check("sendGroupMessage", async () => {
  const message = { clientGroupId: GROUP, message: "to all" };
  const { text } = await wendy.requested("message/send", () => wendy.$.fn.applozic("sendGroupMessage", message));
  assert.ok(JSON.parse(text).messageKey);
  const { messages } = await walter.call("messageList", { clientGroupId: GROUP, isGroup: true });
  assert.deepEqual(messages.map((each) => [each.from, each.message]), [["wendy", "to all"], ["system", "wendy created group Wëb"]]);
});
await check("getGroupList", async () => {
  const { status, data } = await walter.call("getGroupList");
  assert.deepEqual([status, data.map((group) => group.clientGroupId)], ["success", [GROUP]]);
});
await check("addGroupMember", async () => {
  assert.equal((await wendy.call("addGroupMember", { clientGroupId: GROUP, userId: "wilma", role: 3 })).status, "success");
  assert.deepEqual((await walter.call("getGroupList")).data[0].membersId.sort(), ["walter", "wendy", "wilma"]);
});
await check("updateGroupInfo", async () => {
  // What it does with the answer ends in a ReferenceError of its own, before the callback.
  const { text } = await wendy.requested("group/update", () => wendy.call("updateGroupInfo", { clientGroupId: GROUP, name: "Spider" }));
  assert.equal(JSON.parse(text).status, "success");
  assert.equal((await walter.call("getGroupList")).data[0].name, "Spider");
});
await check("removeGroupMember", async () => {
  assert.equal((await wendy.call("removeGroupMember", { clientGroupId: GROUP, userId: "wilma" })).status, "success");
  assert.deepEqual((await walter.call("getGroupList")).data[0].membersId.sort(), ["walter", "wendy"]);
});
await check("leaveGroup", async () => {
  assert.equal((await walter.call("leaveGroup", { clientGroupId: GROUP })).status, "success");
  assert.deepEqual((await walter.call("getGroupList")).data, []);
});

await check("uploadFile", async () => {
  await wendy.show("walter");
  const file = new wendy.window.File(["some text"], "a b.txt", { type: "text/plain" });
  const { text } = await wendy.requested("aws/file/upload", () => wendy.$.fn.applozic("uploadFile", { file, name: file.name }));
  const { fileMeta } = JSON.parse(text);
  assert.deepEqual([fileMeta.name, fileMeta.size, fileMeta.contentType], ["a b.txt", 9, "text/plain"]);
  const kept = await fetch(`${GATEWAY_URL}/rest/ws/aws/file/${fileMeta.blobKey}`);
  assert.deepEqual([kept.status, await kept.text()], [200, "some text"]);
});
await check("all requests of the two pages", async () => {
  const here = [...wendy.requests, ...walter.requests].filter((request) => request.here);
  const refused = here.filter((request) => request.status !== 200 && request.method !== "OPTIONS");
  assert.deepEqual(refused.map(({ method, path, status }) => [method, path, status]), []);
});
await notServed("real-time: STOMP over SockJS", async () => {
  const reply = await fetch(`${GATEWAY_URL}/stomp/info`);
  assert.equal(reply.ok, false);
});
process.exit(0);
