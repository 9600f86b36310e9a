// @applozic/core-sdk. The vendor's hosts are written into it: here both of them lead to the gateway, over TLS, and nothing of the
// client is changed. It is made for bundlers, so it is bundled first. Its real-time connection is not driven.
import http from "node:http";
import https from "node:https";
import { assert, check, CLIENTS, GATEWAY_URL, notServed, require } from "./checks.mjs";

const { hostname: host, port } = new URL(process.env.APPLOZIC_URL);
const VENDOR = new Set(["apps.applozic.com", "applozic.appspot.com"]);
class ToGateway extends https.Agent {
  createConnection(options, ...rest) {
    assert.ok(VENDOR.has(options.host), `a connection to ${options.host}`);
    return super.createConnection({ ...options, host, port, servername: "localhost" }, ...rest);
  }
}
https.globalAgent = new ToGateway();

// superagent 6 makes a method of every HTTP verb; where there is QUERY it takes the place of its own `query`, and no query is sent.
if (http.METHODS.includes("QUERY")) http.METHODS.splice(http.METHODS.indexOf("QUERY"), 1);
const bundle = `${process.cwd()}/core-sdk.cjs`;
require("esbuild").buildSync({
  entryPoints: [require.resolve("@applozic/core-sdk")],
  bundle: true, platform: "node", format: "cjs", outfile: bundle, logLevel: "error",
});
const { ApplozicClient, GroupTypes, MessageContentType, UserRoles } = require(bundle);
console.error = () => {};  // what it prints of each refusal

const KEY = "demo-application-key";
const WORDS = "Héllo, wörld 😀 世界";
const client = () => new ApplozicClient(KEY, { useSocket: false, useStore: false });
const [alice, aaron, amir] = [client(), client(), client()];
const refused = (promise) => promise.then((found) => assert.fail(`${JSON.stringify(found)} instead of an error`), (error) => error);
const shown = async (who, options) => (await who.messages.list(options)).message;
const texts = async (who, options) => (await shown(who, options)).map((message) => message.message);
const unread = async (who, user) =>
  (await who.messages.list({})).userDetails.find((detail) => detail.userId === user)?.unreadCount;

// amir has a password, which only an administrator of the application gives.
const made = await fetch(`${GATEWAY_URL}/rest/ws/user/v2/create`, {
  method: "POST",
  headers: { "Application-Key": KEY, Authorization: `Basic ${btoa("bot:demo-bot-password")}` },
  body: JSON.stringify({ userId: "amir", password: "secret", displayName: "Amir" }),
});
assert.equal((await made.json()).status, "success");

await check("login, new user", async () => {
  const found = await alice.login("alice");
  assert.deepEqual([found.userId, found.clientId, found.deactivated, found.totalUnreadCount], ["alice", KEY, false, 0]);
  for (const name of ["authToken", "deviceKey", "token", "websocketUrl", "websocketPort", "fileBaseUrl"]) {
    assert.ok(found[name] && typeof found[name] === "string", `${name}: ${JSON.stringify(found[name])}`);
  }
  const again = await aaron.login("aaron", "");
  assert.equal(again.userId, "aaron");
});
await check("login, password", async () => {
  const found = await amir.login("amir", "secret");
  assert.deepEqual([found.userId, found.displayName], ["amir", "Amir"]);
});
await check("login, wrong password", async () => {
  const stranger = client();
  assert.equal((await refused(stranger.login("amir", "wrong"))).message, "Invalid password");
  assert.equal(stranger.loginResult, null);
});
await check("login, unknown application", async () => {
  const stranger = new ApplozicClient("nobody's", { useSocket: false, useStore: false });
  assert.equal((await refused(stranger.login("alice"))).message, "Login Failure: INVALID_APPID");
});
await check("any call, not logged in", async () => {
  assert.equal((await refused(client().messages.list({}))).status, 401);
});

let first;
await check("messages.send, to a user", async () => {
  first = await alice.messages.send({ to: "aaron", message: WORDS });
  assert.match(first.messageKey, /^5-/);
  assert.ok(Math.abs(Date.now() - first.createdAt) < 60_000, `created at ${first.createdAt}`);
});
await check("messages.list, overview", async () => {
  const { message, userDetails, groupFeeds } = await aaron.messages.list({ startIndex: 0, mainPageSize: 10 });
  const { key, pairedMessageKey, to, contactIds, message: text, type, status, sent, createdAtTime, contentType, metadata } = message[0];
  assert.deepEqual(
    { to, contactIds, text, type, status, sent, contentType, metadata },
    { to: "alice", contactIds: "alice", text: WORDS, type: 4, status: 0, sent: false, contentType: 0, metadata: {} },
  );
  assert.deepEqual([key, pairedMessageKey, createdAtTime], [first.messageKey.replace("5-", "4-"), first.messageKey, first.createdAt]);
  assert.deepEqual([message.length, groupFeeds], [1, []]);
  assert.deepEqual(userDetails.map((detail) => [detail.userId, detail.unreadCount]), [["alice", 1]]);
});
await check("messages.list, thread", async () => {
  assert.equal(await unread(aaron, "alice"), 1);
  assert.deepEqual(await texts(aaron, { userId: "alice" }), [WORDS]);
  assert.equal(await unread(aaron, "alice"), 0);
  const [own] = await shown(alice, { userId: "aaron" });
  assert.deepEqual([own.key, own.type, own.to, own.sent], [first.messageKey, 5, "aaron", true]);
});
await check("messages.send, HTML, place, metadata", async () => {
  await alice.messages.send({ to: "aaron", message: "<b>html</b>", contentType: 3, type: 5 });
  const place = JSON.stringify({ lat: "59.9", lon: "10.7" });
  await alice.messages.send({ to: "aaron", message: place, contentType: MessageContentType.LOCATION, metadata: { colour: "red" } });
  const [newest, before] = await shown(aaron, { userId: "alice", pageSize: 2 });
  assert.deepEqual([newest.message, newest.contentType, newest.metadata], [place, 2, { colour: "red" }]);
  assert.deepEqual([before.message, before.contentType], ["<b>html</b>", 3]);
});
await check("messages.send, with a file elsewhere", async () => {
  const fileMeta = { blobKey: "b-1", contentType: "image/png", name: "a.png", size: 3, thumbnailUrl: "https://files.test/a-small.png" };
  await alice.messages.send({ to: "aaron", message: "", contentType: MessageContentType.FILE, fileMeta });
  const [found] = await shown(aaron, { userId: "alice", pageSize: 1 });
  assert.deepEqual(Object.fromEntries(Object.keys(fileMeta).map((name) => [name, found.fileMeta[name]])), fileMeta);
});
await check("messages.send, hidden", async () => {
  await alice.messages.send({ to: "aaron", message: "hidden", metadata: { category: "HIDDEN" } });
  assert.equal((await texts(aaron, { userId: "alice", pageSize: 1 }))[0], "hidden");
  assert.notEqual((await texts(aaron, {}))[0], "hidden");
});
await check("messages.list, older pages", async () => {
  const all = await shown(aaron, { userId: "alice" });
  assert.equal(all.length, 5);
  const newest = await shown(aaron, { userId: "alice", pageSize: 2 });
  const older = await shown(aaron, { userId: "alice", pageSize: 50, endTime: newest.at(-1).createdAtTime });
  assert.deepEqual([...newest, ...older].map((message) => message.key), all.map((message) => message.key));
});
await check("messages.send, to several users", async () => {
  assert.equal(await alice.messages.send({ userNames: ["aaron", "amir"], messageObject: { message: "to each" } }), "success");
  for (const who of [aaron, amir]) assert.equal((await texts(who, { userId: "alice", pageSize: 1 }))[0], "to each");
});
await check("messages.delete, for oneself", async () => {
  const { messageKey } = await alice.messages.send({ to: "aaron", message: "mine to delete" });
  assert.equal(await alice.messages.delete(messageKey), "success");
  assert.ok(!(await texts(alice, { userId: "aaron" })).includes("mine to delete"));
  assert.ok((await texts(aaron, { userId: "alice" })).includes("mine to delete"));
});
await check("messages.delete, for all", async () => {
  const { messageKey } = await alice.messages.send({ to: "aaron", message: "everybody's" });
  assert.equal(await aaron.messages.delete(messageKey.replace("5-", "4-"), true), undefined);
  assert.ok((await texts(aaron, { userId: "alice" })).includes("everybody's"), "not the sender has deleted it");
  assert.equal(await alice.messages.delete(messageKey, true), "success");
  for (const [who, other] of [[alice, "aaron"], [aaron, "alice"]]) {
    assert.ok(!(await texts(who, { userId: other })).includes("everybody's"));
  }
});
await check("messages.deleteConversation", async () => {
  assert.equal(await alice.messages.deleteConversation({ userId: "amir" }), undefined);
  assert.deepEqual(await texts(alice, { userId: "amir" }), []);
  assert.deepEqual(await texts(amir, { userId: "alice" }), ["to each"]);
});
await check("messages.deleteAll", async () => {
  assert.equal(await amir.messages.deleteAll(), undefined);
  assert.deepEqual(await texts(amir, {}), []);
});
await check("messages.deleteOlderThan", async () => {
  await alice.messages.send({ to: "amir", message: "of today" });
  assert.equal(await amir.messages.deleteOlderThan(1), "success");
  assert.deepEqual(await texts(amir, { userId: "alice" }), ["of today"]);
  assert.equal(await amir.messages.deleteOlderThan(0), "success");
  assert.deepEqual(await texts(amir, { userId: "alice" }), []);
});

await check("contacts.getContactList", async () => {
  const { users, lastFetchTime, totalUnreadCount, groups, devices } = await alice.contacts.getContactList({ pageSize: 100 });
  const names = users.map((user) => user.userId);
  for (const name of ["alice", "aaron", "amir"]) assert.ok(names.includes(name), `${name} is not in ${names}`);
  assert.deepEqual([typeof lastFetchTime, typeof totalUnreadCount, groups, devices], ["number", "number", [], []]);
  const { users: some, lastFetchTime: startTime } = await alice.contacts.getContactList({ pageSize: 1 });
  const { users: more } = await alice.contacts.getContactList({ pageSize: 1, startTime });
  assert.ok(some.length === 1 && more.length === 1 && some[0].userId !== more[0].userId, JSON.stringify([some, more]));
});
await check("contacts.getUserDetails", async () => {
  const [found] = await alice.contacts.getUserDetails(["amir"]);
  assert.deepEqual([found.userId, found.displayName, found.deactivated], ["amir", "Amir", false]);
});
await check("contacts.updateUserDetails", async () => {
  assert.equal(await alice.contacts.updateUserDetails({ displayName: "Alice Ä.", imageLink: "https://x.test/a.png" }), "success");
  const [found] = await aaron.contacts.getUserDetails(["alice"]);
  assert.deepEqual([found.displayName, found.imageLink], ["Alice Ä.", "https://x.test/a.png"]);
});
await check("contacts.updateUserPassword", async () => {
  assert.equal(await amir.contacts.updateUserPassword("secret", "another"), "success");
  assert.equal((await refused(amir.login("amir", "secret"))).message, "Invalid password");
  assert.equal((await amir.login("amir", "another")).userId, "amir");
});
await check("contacts.blockUser, blockListSync", async () => {
  assert.ok(await aaron.contacts.blockUser("amir"));
  const { blockedToUserList: to } = await aaron.contacts.blockListSync();
  assert.deepEqual(to.map((row) => [row.blockedTo, row.userBlocked]), [["amir", true]]);
  const { blockedByUserList: by } = await amir.contacts.blockListSync(0);
  assert.deepEqual(by.map((row) => [row.blockedBy, row.userBlocked]), [["aaron", true]]);
  assert.equal(await amir.messages.send({ to: "aaron", message: "can you hear me" }), undefined);
});
await check("contacts.unblockUser", async () => {
  assert.ok(await aaron.contacts.unblockUser("amir"));
  const { blockedToUserList: to } = await aaron.contacts.blockListSync();
  assert.ok(to.every((row) => !row.userBlocked), JSON.stringify(to));
  assert.ok((await amir.messages.send({ to: "aaron", message: "now" })).messageKey);
});

const topic = { topicId: "shoes-1", topicDetail: { title: "Shöes", subtitle: "red", price: 3 }, userId: "aaron" };
let about;
await check("topics.retrieveConversation", async () => {
  const { status, response } = await alice.topics.retrieveConversation({ ...topic, status: "new" });
  about = response.conversationPxy;
  assert.deepEqual([status, response.type, response.membersId.sort(), response.userCount], ["success", 0, ["aaron", "alice"], 2]);
  assert.deepEqual(
    [about.topicId, about.topicDetail, about.created, about.closed, about.senderUserName, about.userId],
    ["shoes-1", JSON.stringify(topic.topicDetail), true, false, "alice", "aaron"],
  );
  const again = (await aaron.topics.retrieveConversation({ ...topic, userId: "alice", status: "open" })).response.conversationPxy;
  assert.deepEqual([again.id, again.created, again.closed], [about.id, false, false]);
});
await check("topics.sendMessageToUser", async () => {
  const { messageKey, createdAt, conversationId } = await alice.topics.sendMessageToUser({ to: "aaron", message: "which size?", conversationId: about.id });
  assert.deepEqual([messageKey.slice(0, 2), typeof createdAt, conversationId], ["5-", "number", about.id]);
  const [found] = await shown(aaron, { userId: "alice", pageSize: 1 });
  assert.deepEqual([found.message, found.conversationId], ["which size?", about.id]);
});
await check("topics.closeTopic", async () => {
  const { status, response } = await alice.topics.closeTopic({ topicId: "shoes-1", withUserId: "aaron" });
  assert.deepEqual([status, response], ["success", "success"]);
  const { response: found } = await alice.topics.retrieveConversation(topic);
  assert.equal(found.conversationPxy.closed, true);
  // The answer is a word, of which the client makes an empty object.
  const sent = await alice.topics.sendMessageToUser({ to: "aaron", message: "too late", conversationId: about.id });
  assert.equal(sent.messageKey, undefined);
  assert.equal((await texts(aaron, { userId: "alice", pageSize: 1 }))[0], "which size?");
});

const GROUP = "team-ä 1";
let group;
const told = async () => alice.groups.groupInfo(GROUP);
await check("groups.createGroup", async () => {
  group = await alice.groups.createGroup({
    groupName: "Team", clientGroupId: GROUP, groupMemberList: ["aaron"], type: GroupTypes.PUBLIC, metadata: { colour: "red" },
  });
  const { id, clientGroupId, name, adminId, membersId, type, metadata, users, userCount } = group;
  assert.deepEqual(
    { clientGroupId, name, adminId, members: membersId.sort(), type, colour: metadata.colour, userCount },
    { clientGroupId: GROUP, name: "Team", adminId: "alice", members: ["aaron", "alice"], type: 2, colour: "red", userCount: 2 },
  );
  assert.ok(Number.isInteger(id) && id < 2 ** 31, `id ${id}`);
  assert.deepEqual(users.map((user) => user.userId).sort(), ["aaron", "alice"]);
});
await check("groups.createGroup, id by the server", async () => {
  const { id, clientGroupId } = await alice.groups.createGroup({ groupName: "Other", groupMemberList: [], type: GroupTypes.PRIVATE });
  assert.equal(clientGroupId, String(id));
});
await check("groups.createGroup, id taken", async () => {
  assert.equal(await alice.groups.createGroup({ groupName: "T", clientGroupId: GROUP, groupMemberList: [], type: 2 }), undefined);
});
await check("groups.groupInfo", async () => {
  const found = await told();
  assert.deepEqual([found.id, found.name, found.clientGroupId], [group.id, "Team", GROUP]);
  assert.deepEqual(found.groupUsers.map((user) => [user.userId, user.role]).sort(), [["aaron", 3], ["alice", 1]]);
  assert.equal((await alice.groups.groupInfo(String(group.id))).clientGroupId, GROUP);
});
await check("groups.groupInfo, unknown group", async () => assert.equal(await alice.groups.groupInfo("nowhere"), undefined));
await check("messages.send, to a group", async () => {
  const { messageKey } = await alice.messages.send({ clientGroupId: GROUP, message: "to all" });
  const [found] = await shown(aaron, { groupId: group.id, pageSize: 1 });
  assert.deepEqual([found.key, found.message, found.to, found.groupId, found.type], [messageKey, "to all", "alice", group.id, 4]);
  assert.equal(found.pairedMessageKey, undefined);
  const { groupFeeds } = await aaron.messages.list({});
  assert.deepEqual(groupFeeds.map((feed) => [feed.id, feed.name]), [[group.id, "Team"]]);
});
await check("messages.send, to several groups", async () => {
  assert.equal(await alice.messages.send({ clientGroupIds: [GROUP], messageObject: { message: "to each group" } }), "success");
  assert.equal((await texts(aaron, { groupId: group.id, pageSize: 1 }))[0], "to each group");
});
await check("groups.addUserToGroup", async () => {
  assert.ok(await alice.groups.addUserToGroup({ userId: "amir", clientGroupId: GROUP, role: UserRoles.MEMBER }));
  assert.deepEqual((await told()).membersId.sort(), ["aaron", "alice", "amir"]);
  assert.equal(await alice.groups.addUserToGroup({ userId: "amir", clientGroupId: GROUP }), undefined);
});
await check("groups.isUserPresent", async () => {
  assert.equal(await alice.groups.isUserPresent({ userId: "amir", clientGroupId: GROUP }), true);
  assert.equal(await alice.groups.isUserPresent({ userId: "nobody", clientGroupId: GROUP }), false);
});
await check("groups.userCount", async () => {
  const other = await alice.groups.createGroup({ groupName: "Two", clientGroupId: "two", groupMemberList: ["aaron"], type: 1 });
  assert.deepEqual(await alice.groups.userCount({ clientGroupIds: [String(group.id), "two"] }), [
    { id: group.id, clientGroupId: GROUP, userCount: 3 },
    { id: other.id, clientGroupId: "two", userCount: 2 },
  ]);
});
await check("groups.updateGroupInfo", async () => {
  const users = [{ userId: "aaron", role: UserRoles.MODERATOR }];
  assert.ok(await alice.groups.updateGroupInfo({ clientGroupId: GROUP, newName: "Teäm", metadata: { size: "5" }, users }));
  const { name, metadata, groupUsers } = await told();
  assert.deepEqual([name, metadata.colour, metadata.size], ["Teäm", "red", "5"]);
  assert.equal(groupUsers.find((user) => user.userId === "aaron").role, UserRoles.MODERATOR);
});
await check("groups.userGroupList", async () => {
  const found = await aaron.groups.userGroupList({});
  assert.deepEqual(found.map((each) => each.clientGroupId).sort(), [GROUP, "two"].sort());
  assert.deepEqual(await aaron.groups.userGroupList({ updatedAt: Date.now() + 60_000 }), []);
});
await check("groups.openGroup", async () => {
  const { groupPxys, lastFetchTime } = await aaron.groups.openGroup({ pageSize: 1 });
  assert.equal(groupPxys.length, 1);
  const { groupPxys: more } = await aaron.groups.openGroup({ pageSize: 1, endTime: lastFetchTime });
  assert.deepEqual([...groupPxys, ...more].map((each) => each.clientGroupId).sort(), [GROUP, "two"].sort());
});
await check("groups.updateUserDetails", async () => {
  const until = Date.now() + 3_600_000;
  assert.equal(await aaron.groups.updateUserDetails({ clientGroupId: GROUP, notificationAfterTime: until }), "success");
  assert.equal((await aaron.groups.groupInfo(GROUP)).notificationAfterTime, until);
});
await check("groups.removeUserFromGroup", async () => {
  assert.ok(await alice.groups.removeUserFromGroup({ userId: "amir", clientGroupId: GROUP }));
  const { membersId, removedMembersId } = await told();
  assert.deepEqual([membersId.sort(), removedMembersId], [["aaron", "alice"], ["amir"]]);
});
await check("groups.addUsersToGroups", async () => {
  assert.ok(await alice.groups.addUsersToGroups({ userIds: ["amir"], clientGroupIds: [GROUP, "two"] }));
  assert.deepEqual((await amir.groups.userGroupList({})).map((each) => each.clientGroupId).sort(), [GROUP, "two"].sort());
});
await check("groups.removeUsersFromGroups", async () => {
  assert.ok(await alice.groups.removeUsersFromGroups({ userIds: ["amir", "aaron"], clientGroupIds: ["two"] }));
  assert.deepEqual((await alice.groups.groupInfo("two")).membersId, ["alice"]);
});
await check("groups.leaveGroup", async () => {
  assert.ok(await amir.groups.leaveGroup({ clientGroupId: GROUP }));
  assert.deepEqual((await told()).membersId.sort(), ["aaron", "alice"]);
  const notices = (await shown(alice, { groupId: group.id })).filter((message) => message.contentType === 10);
  assert.equal(notices[0].metadata.action, "3");
});
await check("groups.removeUserFromAllGroups", async () => {
  assert.ok(await aaron.groups.removeUserFromAllGroups({ userId: "aaron" }));
  assert.deepEqual(await aaron.groups.userGroupList({}), []);
});
await check("groups.createUserFriendList, getFriendList", async () => {
  assert.equal(await alice.groups.createUserFriendList({ groupName: "friends", userList: ["aaron", "amir"] }), "success");
  const { membersId, type } = await alice.groups.getFriendList({ groupName: "friends" });
  assert.deepEqual([membersId.sort(), type], [["aaron", "alice", "amir"], GroupTypes.CONTACTS]);
});
await check("groups.createOpenFriendList", async () => {
  assert.equal(await alice.groups.createOpenFriendList({ groupName: "open-friends", groupMemberList: ["aaron"] }), "success");
  assert.deepEqual((await alice.groups.getFriendList({ groupName: "open-friends" })).membersId.sort(), ["aaron", "alice"]);
});
await check("groups.removeFromFriendList", async () => {
  assert.ok(await alice.groups.removeFromFriendList({ groupName: "friends", userId: "amir", groupType: GroupTypes.CONTACTS }));
  assert.deepEqual((await alice.groups.getFriendList({ groupName: "friends" })).membersId.sort(), ["aaron", "alice"]);
});
await check("groups.deleteFriendList", async () => {
  assert.ok(await alice.groups.deleteFriendList({ groupName: "friends" }));
  assert.equal(await alice.groups.getFriendList({ groupName: "friends" }), undefined);
});
await check("groups.deleteGroup, not an admin", async () => {
  await alice.groups.addUserToGroup({ userId: "aaron", clientGroupId: GROUP });
  assert.equal(await aaron.groups.deleteGroup({ clientGroupId: GROUP }), undefined);
  assert.equal((await told()).id, group.id);
});
await check("groups.deleteGroup", async () => {
  assert.equal(await alice.groups.deleteGroup({ clientGroupId: GROUP }), true);
  assert.equal(await told(), undefined);
});
await check("groups.deleteGroups", async () => {
  assert.ok(await alice.groups.deleteGroups({ clientGroupIds: ["two", "open-friends"] }));
  assert.equal(await alice.groups.groupInfo("two"), undefined);
});

const PIXEL = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
await check("uploadFile, to an address asked for with credentials", async () => {
  const query = { data: `${Date.now()}` };
  const address = await alice.makeApiCall("GET", "/rest/ws/aws/file/url", { query, useAuth: true, json: false });
  const { fileMeta } = await alice.uploadFile(address, "files[]", PIXEL);
  assert.deepEqual([fileMeta.contentType, fileMeta.size], ["image/png", PIXEL.length]);
  await alice.messages.send({ to: "aaron", message: "", contentType: MessageContentType.FILE, fileMeta });
  const [{ fileMeta: found }] = await shown(aaron, { userId: "alice", pageSize: 1 });
  assert.deepEqual([found.blobKey, found.size], [fileMeta.blobKey, PIXEL.length]);
  const kept = await fetch(`${GATEWAY_URL}/rest/ws/aws/file/${found.blobKey}`);
  assert.deepEqual([kept.status, Buffer.from(await kept.arrayBuffer()).equals(PIXEL)], [200, true]);
});
// The client asks for the address without credentials, and names no application: nobody can tell whose file it would be.
await notServed("files.upload", async () => assert.equal((await refused(alice.files.upload(PIXEL))).status, 401));
await notServed("real-time: STOMP over WebSocket", async () => {
  const status = await new Promise((done, failed) => {
    const key = Buffer.alloc(16, 1).toString("base64");
    const headers = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key };
    const request = https.get("https://apps.applozic.com/ws", { headers });
    request.on("response", (reply) => done(reply.statusCode)).on("upgrade", () => done(101)).on("error", failed);
  });
  assert.notEqual(status, 101);
});
await check("logout", async () => {
  await alice.logout();
  assert.equal(alice.loginResult, null);
});
process.exit(0);
