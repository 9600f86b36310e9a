// @chat21/chat21-node-sdk. It has no call that reads, so what a call has changed is read back by plain HTTP. Its calls resolve
// with the body whatever the status, and a DELETE without a body with the text of the answer: as each check expects.
import { randomUUID } from "node:crypto";
import { assert, check, GATEWAY_URL, require } from "./checks.mjs";

const { ADMIN_TOKEN, ANN_TOKEN, BOB_TOKEN } = process.env;
const Chat21 = require("@chat21/chat21-node-sdk");
const sdk = new Chat21({
  url: GATEWAY_URL,
  appid: "tilechat",
  authurl: `${GATEWAY_URL}/chat21/native/auth/createCustomToken`,
  firebase_apikey: "unused",
  firebase_database: "http://127.0.0.1",
});

// The setter's name notwithstanding it is any token, sent as ?token=: the form that the vendor's server takes.
const as = (token) => {
  sdk.auth.logout();
  sdk.auth.setAdminToken(token);
};
const read = async (path, token) => {
  const reply = await fetch(`${GATEWAY_URL}/api/tilechat/${path}`, { headers: { Authorization: token } });
  assert.equal(reply.status, 200);
  return (await reply.json()).result;
};
const succeeded = (data) => assert.equal(data.success, true, JSON.stringify(data));
const SUCCESS = { success: true };
const NOT_FOUND = { err: { message: "Not found" } };
const group = "support-group-" + randomUUID();

await check("messages.send, user's token", async () => {
  as(ANN_TOKEN);
  succeeded(await sdk.messages.send("Ann", "bob", "Bob", "hello from Node SDK"));
  const [message] = await read("bob/conversations/ann/messages", BOB_TOKEN);
  const { sender, sender_fullname, recipient, recipient_fullname, text, channel_type, attributes, type } = message;
  assert.deepEqual(
    { sender, sender_fullname, recipient, recipient_fullname, text, channel_type },
    { sender: "ann", sender_fullname: "Ann", recipient: "bob", recipient_fullname: "Bob", text: "hello from Node SDK",
      channel_type: "direct" },
  );
  assert.ok(!attributes, "attributes were made up");
  assert.equal(type, undefined);
});
await check("messages.send, Bearer token", async () => {
  as("");
  sdk.auth.setCurrentToken(ANN_TOKEN);
  succeeded(await sdk.messages.send("Ann", "bob", "Bob", "by Bearer"));
  assert.equal(sdk.auth.getCurrentToken(), ANN_TOKEN);
  const [message] = await read("bob/conversations/ann/messages", BOB_TOKEN);
  assert.equal(message.text, "by Bearer");
});
await check("messages.send, without token", async () => {
  as("");
  assert.deepEqual(await sdk.messages.send("Ann", "bob", "Bob", "nobody"), { success: false, msg: "Unauthorized." });
});
await check("messages.send, no recipient", async () => {
  as(ANN_TOKEN);
  assert.equal(await sdk.messages.send("Ann", undefined, "Bob", "x"), "Recipient id is mandatory");
});
await check("messages.send, administrator for a user", async () => {
  as(ADMIN_TOKEN);
  succeeded(
    await sdk.messages.send("Bob", "ann", "Ann", "see", "bob", { a: 1 }, "image", { src: "http://x/y.png", width: 3, height: 2 }),
  );
  const [message] = await read("ann/conversations/bob/messages", ANN_TOKEN);
  const { sender, type, attributes, metadata } = message;
  assert.deepEqual(
    { sender, type, attributes, metadata },
    { sender: "bob", type: "image", attributes: { a: 1 }, metadata: { src: "http://x/y.png", width: 3, height: 2 } },
  );
});
await check("messages.send, user with sender_id", async () => {
  as(ANN_TOKEN);
  succeeded(await sdk.messages.send("Ann", "bob", "Bob", "still me", "eve"));
  const [message] = await read("bob/conversations/ann/messages", BOB_TOKEN);
  assert.equal(message.sender, "ann");
});
await check("groups.create, own id", async () => {
  as(ANN_TOKEN);
  const data = await sdk.groups.create("test", ["bob"], { a1: "v1" }, group);
  succeeded(data);
  const { name, uid, owner, appId, members, attributes } = data.group;
  assert.deepEqual(
    { name, uid, owner, appId, members, attributes },
    { name: "test", uid: group, owner: "ann", appId: "tilechat", members: { ann: 1, bob: 1 }, attributes: { a1: "v1" } },
  );
  const found = await read(`groups/${group}`, ANN_TOKEN);
  assert.deepEqual([found.uid, found.owner, found.members], [group, "ann", { ann: 1, bob: 1 }]);
});
await check("groups.create, notices", async () => {
  const labels = (await read(`bob/conversations/${group}/messages`, BOB_TOKEN)).map((m) => m.attributes.messagelabel);
  const of = (key) => labels.filter((label) => label.key === key).map((label) => label.parameters);
  assert.deepEqual(of("GROUP_CREATED").map((given) => given.creator), ["ann"]);
  assert.deepEqual(of("MEMBER_JOINED_GROUP").map((given) => given.member_id).sort(), ["ann", "bob"]);
});
await check("groups.create, id by the server", async () => {
  const data = await sdk.groups.create("test11", ["ann"]);
  succeeded(data);
  assert.match(data.group.uid, /^group-[0-9a-f-]{36}$/);
});
await check("messages.sendToGroup", async () => {
  succeeded(await sdk.messages.sendToGroup("Ann", group, "test", "to all"));
  const [message] = await read(`bob/conversations/${group}/messages`, BOB_TOKEN);
  assert.deepEqual([message.text, message.channel_type, message.recipient], ["to all", "group", group]);
});
await check("groups.join", async () => {
  assert.deepEqual(await sdk.groups.join("carl", group), SUCCESS);
  assert.deepEqual((await read(`groups/${group}`, ANN_TOKEN)).members, { ann: 1, bob: 1, carl: 1 });
  const labels = (await read(`bob/conversations/${group}/messages`, BOB_TOKEN)).map((m) => m.attributes?.messagelabel);
  const joined = labels.filter((label) => label?.key === "MEMBER_JOINED_GROUP").map((label) => label.parameters.member_id);
  assert.ok(joined.includes("carl"), `no notice of carl: ${joined}`);
});
await check("groups.join, already a member", async () => {
  const err = { success: false, err: "Already a member", http_status: 401 };
  assert.deepEqual(await sdk.groups.join("carl", group), { success: false, err, http_status: 405 });
});
await check("groups.join, by a member", async () => {
  as(BOB_TOKEN);
  const err = { success: false, err: "Not allowed" };
  assert.deepEqual(await sdk.groups.join("dora", group), { success: false, err, http_status: 405 });
});
await check("groups.leave", async () => {
  as(ANN_TOKEN);
  assert.deepEqual(JSON.parse(await sdk.groups.leave("carl", group)), SUCCESS);
  assert.deepEqual((await read(`groups/${group}`, ANN_TOKEN)).members, { ann: 1, bob: 1 });
});
await check("groups.leave, not a member", async () => {
  assert.deepEqual(JSON.parse(await sdk.groups.leave("carl", group)), { success: false, err: "Not found", http_status: 404 });
});
await check("groups.setMembers", async () => {
  assert.deepEqual(await sdk.groups.setMembers(["ann", "carl", "dora"], group), SUCCESS);
  const found = await read(`groups/${group}`, ANN_TOKEN);
  assert.deepEqual([found.owner, found.members], ["ann", { ann: 1, carl: 1, dora: 1 }]);
});
await check("groups.setMembers, the same", async () => {
  const message = "Same members in group, skipping setGroupMembers()";
  assert.deepEqual(await sdk.groups.setMembers(["ann", "carl", "dora"], group), { err: { message } });
});
await check("groups.update", async () => {
  assert.deepEqual(await sdk.groups.update("renamed", "eve", { ignored: 1 }, group), SUCCESS);
  const { name, owner, attributes } = await read(`groups/${group}`, ANN_TOKEN);
  assert.deepEqual({ name, owner, attributes }, { name: "renamed", owner: "ann", attributes: { a1: "v1" } });
});
await check("groups.update, unknown group", async () => {
  assert.deepEqual(await sdk.groups.update("x", "ann", undefined, "group-nowhere"), NOT_FOUND);
});
await check("groups.updateAttributes", async () => {
  assert.deepEqual(await sdk.groups.updateAttributes({ b: 2 }, group), SUCCESS);
  assert.deepEqual((await read(`groups/${group}`, ANN_TOKEN)).attributes, { b: 2 });
});
await check("conversations.archive", async () => {
  assert.equal((await read("ann/conversations/bob", ANN_TOKEN)).length, 1);
  assert.deepEqual(await sdk.conversations.archive("bob"), SUCCESS);
  assert.deepEqual(await read("ann/conversations/bob", ANN_TOKEN), []);
  const [archived] = await read("ann/archived_conversations/bob", ANN_TOKEN);
  assert.deepEqual([archived.archived, archived.last_message_text], [true, "still me"]);
});
await check("conversations.archive, administrator for a user", async () => {
  as(ADMIN_TOKEN);
  assert.deepEqual(await sdk.conversations.archive("ann", "bob"), SUCCESS);
  assert.deepEqual(await read("bob/conversations/ann", BOB_TOKEN), []);
  assert.equal((await read("bob/archived_conversations/ann", BOB_TOKEN)).length, 1);
});
await check("messages.delete, group", async () => {
  as(ANN_TOKEN);
  assert.deepEqual(JSON.parse(await sdk.messages.delete(group)), SUCCESS);
  assert.deepEqual(await read(`ann/conversations/${group}/messages`, ANN_TOKEN), []);
});
await check("conversations.delete, group", async () => {
  assert.deepEqual(JSON.parse(await sdk.conversations.delete(group)), SUCCESS);
  assert.deepEqual(await read(`ann/conversations/${group}`, ANN_TOKEN), []);
});
// Of the vendor's older server alone; its present one answers as to any unknown path.
for (const [call, run, path] of [
  ["conversations.typing", () => sdk.conversations.typing("bob", "ann", "t", 1), "PUT /api/tilechat/typings/bob"],
  ["conversations.stopTyping", () => sdk.conversations.stopTyping("bob", "ann"), "DELETE /api/tilechat/typings/bob"],
  ["contacts.create", () => sdk.contacts.create("A", "B", "a@b.c", "ann"), "POST /api/tilechat/contacts"],
  ["contacts.update", () => sdk.contacts.update("A", "B", "ann"), "PUT /api/tilechat/contacts/me"],
]) {
  await check(`${call} (404 as the vendor's)`, async () => {
    const page = await run();
    assert.ok(typeof page === "string" && page.includes(`<pre>Cannot ${path}</pre>`), JSON.stringify(page));
  });
}
process.exit(0);
