// easemob-websdk's REST side. The realtime connection never opens: its WebSocket is one that stays silent, so that logging in ends
// after the token. What goes over that connection (sending, history, presence, receipts) is not driven.
import { assert, check, GATEWAY_URL, require } from "./checks.mjs";

const silent = class { close() {} };
const nowhere = { getItem: () => null, setItem() {}, removeItem() {} };
const browser = {
  XMLHttpRequest: require("xhr2"), WebSocket: silent, self: globalThis, window: globalThis, localStorage: nowhere,
  navigator: { userAgent: "node", language: "en", onLine: true, connection: {} },
  location: { protocol: "http:", hostname: "localhost", host: "localhost", href: "http://localhost/" },
  document: { createElement: () => ({}), addEventListener() {} },
};
for (const [name, value] of Object.entries(browser)) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}
const module = require("easemob-websdk");
const { connection } = module.default ?? module;
const APPLICATION = `${GATEWAY_URL}/chat-demo/testapp`;
const sdk = new connection({
  appKey: "chat-demo#testapp", isHttpDNS: false, https: false, apiUrl: GATEWAY_URL, url: "ws://127.0.0.1:1/websocket",
});

// Not the names of the other script: its users have no password here.
const made = await fetch(`${APPLICATION}/users`, {
  method: "POST",
  headers: { Authorization: `Bearer ${process.env.APPLICATION_TOKEN}` },
  body: JSON.stringify(["erin", "bert", "cleo"].map((username) => ({ username, password: "secret" }))),
});
assert.equal(made.status, 200);

await check("registerUser, registration closed", async () => {
  const error = await sdk.registerUser({ username: "dora", password: "secret" }).then(() => null, (failure) => failure);
  assert.equal(JSON.parse(error.data).error, "unauthorized");
});
await check("open: the token by password", async () => {
  sdk.open({ user: "erin", pwd: "secret" }).catch(() => {});
  for (let turn = 0; turn < 200 && !sdk.context.accessToken; turn++) await new Promise((next) => setTimeout(next, 20));
  assert.ok(sdk.context.accessToken, "no token");
  assert.ok(sdk.expiresIn > 0, `expires in ${sdk.expiresIn}`);
});
await check("getContactsWithCursor", async () => {
  assert.deepEqual((await sdk.getContactsWithCursor({ pageSize: 10 })).data, { cursor: "", contacts: [] });
});
await check("getAllContacts", async () => assert.deepEqual((await sdk.getAllContacts()).data, []));
await check("setContactRemark, no friend", async () => {
  const error = await sdk.setContactRemark({ userId: "bert", remark: "r" }).then(() => null, (failure) => failure);
  assert.equal(error.message, "updateRemark they are not friends, please add as a friend first.");
});
await check("addUsersToBlocklist", async () => {
  assert.deepEqual((await sdk.addUsersToBlocklist({ name: ["cleo"] })).data, { userIds: ["cleo"] });
});
await check("getBlocklist", async () => assert.deepEqual((await sdk.getBlocklist()).data, ["cleo"]));
await check("removeUserFromBlocklist", async () => {
  await sdk.removeUserFromBlocklist({ name: ["cleo"] });
  assert.deepEqual((await sdk.getBlocklist()).data, []);
});
await check("updateUserInfo", async () => {
  assert.deepEqual((await sdk.updateUserInfo({ nickname: "Ann" })).data, { nickname: "Ann" });
});
await check("fetchUserInfoById", async () => {
  assert.deepEqual((await sdk.fetchUserInfoById(["erin"])).data, { erin: { nickname: "Ann" } });
});

let groupId;
await check("createGroupVNext", async () => {
  const { data } = await sdk.createGroupVNext({
    groupName: "G", description: "d", members: ["bert"], isPublic: true, needApprovalToJoin: false, allowMemberToInvite: true,
    inviteNeedConfirm: false, maxMemberCount: 50,
  });
  groupId = data.groupId;
  assert.match(groupId, /^\d+$/);
});
const info = async () => (await sdk.getGroupInfo({ groupId })).data[0];
await check("getGroupInfo", async () => {
  const { id, name, description, owner, affiliations_count, public: open, maxusers } = await info();
  assert.deepEqual(
    { id, name, description, owner, affiliations_count, open, maxusers },
    { id: groupId, name: "G", description: "d", owner: "erin", affiliations_count: 2, open: true, maxusers: 50 },
  );
});
await check("modifyGroup", async () => {
  assert.deepEqual((await sdk.modifyGroup({ groupId, groupName: "G2", description: "d2" })).data, { groupname: true, description: true });
  const { name, description } = await info();
  assert.deepEqual({ name, description }, { name: "G2", description: "d2" });
});
await check("getJoinedGroups", async () => {
  const [{ groupid, groupname }] = (await sdk.getJoinedGroups({ pageNum: 0, pageSize: 20 })).data;
  assert.deepEqual({ groupid, groupname }, { groupid: groupId, groupname: "G2" });
});
const detailed = async () => (await sdk.getJoinedGroups({ pageNum: 0, pageSize: 20, needRole: true, needAffiliations: true })).entities[0];
await check("getJoinedGroups, with affiliations", async () => {
  const { groupId: id, groupName, affiliationsCount } = await detailed();
  assert.deepEqual({ id, groupName, affiliationsCount }, { id: groupId, groupName: "G2", affiliationsCount: 2 });
});
await check("getJoinedGroups, with role", async () => assert.equal((await detailed()).role, "owner"));
await check("getPublicGroups", async () => {
  const [{ groupid, groupname }] = (await sdk.getPublicGroups({ limit: 10 })).data;
  assert.deepEqual({ groupid, groupname }, { groupid: groupId, groupname: "G2" });
});
await check("inviteUsersToGroup", async () => {
  const { data } = await sdk.inviteUsersToGroup({ groupId, users: ["cleo"] });
  assert.deepEqual([data.result, data.action, data.user], [true, "invite", "cleo"]);
});
await check("listGroupMembers", async () => {
  assert.deepEqual((await sdk.listGroupMembers({ groupId, pageNum: 1, pageSize: 20 })).data, ["bert", "cleo"]);
});
await check("setGroupAdmin, getGroupAdmin", async () => {
  assert.deepEqual((await sdk.setGroupAdmin({ groupId, username: "bert" })).data, { result: "success", newadmin: "bert" });
  assert.deepEqual((await sdk.getGroupAdmin({ groupId })).data, ["bert"]);
});
await check("muteGroupMember, getGroupMutelist", async () => {
  const { data } = await sdk.muteGroupMember({ groupId, username: "bert", muteDuration: 60_000 });
  assert.deepEqual([data[0].result, data[0].user], [true, "bert"]);
  assert.deepEqual((await sdk.getGroupMutelist({ groupId })).data, [{ expire: data[0].expire, user: "bert" }]);
});
await check("unmuteGroupMember", async () => {
  assert.deepEqual((await sdk.unmuteGroupMember({ groupId, username: "bert" })).data, [{ result: true, user: "bert" }]);
  assert.deepEqual((await sdk.getGroupMutelist({ groupId })).data, []);
});
await check("blockGroupMember, getGroupBlocklist", async () => {
  await sdk.blockGroupMember({ groupId, username: "cleo" });
  assert.deepEqual((await sdk.getGroupBlocklist({ groupId })).data, ["cleo"]);
});
await check("unblockGroupMember", async () => {
  await sdk.unblockGroupMember({ groupId, username: "cleo" });
  assert.deepEqual((await sdk.getGroupBlocklist({ groupId })).data, []);
});
await check("updateGroupAnnouncement, fetchGroupAnnouncement", async () => {
  assert.equal((await sdk.updateGroupAnnouncement({ groupId, announcement: "news" })).data.result, true);
  assert.equal((await sdk.fetchGroupAnnouncement({ groupId })).data.announcement, "news");
});
await check("setGroupMemberAttributes, getGroupMembersAttributes", async () => {
  await sdk.setGroupMemberAttributes({ groupId, userId: "erin", memberAttributes: { title: "chair" } });
  assert.deepEqual((await sdk.getGroupMembersAttributes({ groupId, userIds: ["erin"], keys: [] })).data, { erin: { title: "chair" } });
});
await check("blockGroupMessages", async () => {
  const [entity] = (await sdk.blockGroupMessages({ groupId })).entities;
  assert.equal(entity[`notification_ignore_${groupId}`], true);
});
await check("blockGroupMessage, unblockGroupMessage", async () => {
  const blocked = (await sdk.blockGroupMessage({ groupId })).data;
  assert.deepEqual([blocked.result, blocked.action], [true, "add_shield"]);
  assert.equal((await sdk.unblockGroupMessage({ groupId })).data.action, "remove_shield");
});
await check("removeGroupMember", async () => {
  const { data } = await sdk.removeGroupMember({ groupId, username: "bert" });
  assert.deepEqual([data.result, data.user], [true, "bert"]);
  assert.ok(!(await sdk.listGroupMembers({ groupId, pageNum: 1, pageSize: 20 })).data.includes("bert"), "bert is still there");
});
await check("getConversationlist", async () => assert.deepEqual((await sdk.getConversationlist()).data.channel_infos, []));
await check("getServerConversations", async () => {
  assert.deepEqual((await sdk.getServerConversations({ pageSize: 10, cursor: "" })).data.conversations, []);
});
await check("getServerPinnedConversations", async () => {
  assert.deepEqual((await sdk.getServerPinnedConversations({ pageSize: 10, cursor: "" })).data.conversations, []);
});
await check("getChatRooms", async () => assert.deepEqual((await sdk.getChatRooms({ pagenum: 1, pagesize: 20 })).data, []));
await check("destroyGroup", async () => {
  assert.equal((await sdk.destroyGroup({ groupId })).data.success, true);
  const error = await sdk.getGroupInfo({ groupId }).then(() => null, (failure) => failure);
  assert.equal(JSON.parse(error.data).error_description, `do not find this group:${groupId}`);
});
process.exit(0);
