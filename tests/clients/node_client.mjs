// Drives a simulator with two clients from npm, as their users would drive Meta, and lets one of them check and read
// the webhooks that come back.

import { createServer } from "node:http";
import { WhatsAppClient } from "@kapso/whatsapp-cloud-api";
import { verifySignature } from "@kapso/whatsapp-cloud-api/server";
import { WhatsAppAPI } from "whatsapp-api-js";
import * as m from "whatsapp-api-js/messages";

const { BASE_URL, PHONE_NUMBER_ID, TOKEN } = process.env;
const APP_SECRET = process.env.APP_SECRET ?? "simulated-app-secret";
const VERIFY_TOKEN = process.env.VERIFY_TOKEN ?? "a token of this script";
const LINK = "https://shop.example.com/a";
const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0]);

let failures = 0;

async function check(client, name, call, accept = () => true) {
  let result;
  let fine = false;
  try {
    result = await call();
    fine = Boolean(accept(result));
  } catch (error) {
    result = error?.message ?? error;
  }
  const why = fine ? "" : `: ${typeof result === "string" ? result : JSON.stringify(result)}`;
  console.log(`${client} ${fine ? "ok  " : "FAIL"} ${name}${why}`);
  failures += fine ? 0 : 1;
  return result;
}

async function post(path, body, headers = {}) {
  const answer = await fetch(`${BASE_URL}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return answer.json();
}

const say = (from, text) => post("/_control/say", { from, text, phone_number_id: PHONE_NUMBER_ID });

const sent = (result) => result.messages?.[0]?.id?.startsWith("wamid.");

async function kapso() {
  const to = "+34600111222";
  const said = (await say(to, "Hola")).wamid;
  const client = new WhatsAppClient({ baseUrl: BASE_URL, accessToken: TOKEN });
  const send = client.messages;
  const base = { phoneNumberId: PHONE_NUMBER_ID, to };
  const run = (name, call, accept = sent) => check("kapso", name, call, accept);

  await run("text", () => send.sendText({ ...base, body: "Hola" }));
  await run("image", () => send.sendImage({ ...base, image: { link: LINK, caption: "c" } }));
  await run("audio", () => send.sendAudio({ ...base, audio: { link: LINK } }));
  await run("document", () => send.sendDocument({ ...base, document: { link: LINK, filename: "a.pdf" } }));
  await run("video", () => send.sendVideo({ ...base, video: { link: LINK, caption: "c" } }));
  await run("sticker", () => send.sendSticker({ ...base, sticker: { link: LINK } }));
  await run("location", () => send.sendLocation({ ...base, location: { latitude: 40.4, longitude: -3.7, name: "Sol" } }));
  const card = { name: { formattedName: "Ana P", firstName: "Ana" }, phones: [{ phone: "+34600111223", type: "WORK" }] };
  await run("contacts", () => send.sendContacts({ ...base, contacts: [card] }));
  await run("reaction", () => send.sendReaction({ ...base, reaction: { messageId: said, emoji: "😀" } }));
  await run("buttons", () =>
    send.sendInteractiveButtons({ ...base, bodyText: "Pick", footerText: "f", buttons: [{ id: "a", title: "A" }, { id: "b", title: "B" }] }));
  await run("list", () =>
    send.sendInteractiveList({ ...base, bodyText: "Pick", buttonText: "Rows", sections: [{ title: "s", rows: [{ id: "1", title: "One" }] }] }));
  await run("link button", () =>
    send.sendInteractiveCtaUrl({ ...base, bodyText: "See", parameters: { displayText: "Open", url: LINK } }));
  await run("carousel", () =>
    send.sendInteractiveCarousel({
      ...base,
      bodyText: "Pick",
      cards: [0, 1].map((cardIndex) => ({
        cardIndex,
        header: { type: "image", image: { link: LINK } },
        bodyText: "card",
        action: { displayText: "View", url: LINK },
      })),
    }));
  await run("catalogue", () =>
    send.sendInteractiveCatalogMessage({ ...base, bodyText: "Look", parameters: { thumbnailProductRetailerId: "sku" } }));
  await run("product", () => send.sendInteractiveProduct({ ...base, bodyText: "b", catalogId: "1", productRetailerId: "2" }));
  await run("products", () =>
    send.sendInteractiveProductList({
      ...base,
      bodyText: "b",
      header: { type: "text", text: "h" },
      catalogId: "1",
      sections: [{ title: "s", productItems: [{ productRetailerId: "2" }] }],
    }));
  await run("flow", () =>
    send.sendInteractiveFlow({
      ...base,
      bodyText: "Fill in",
      parameters: { flowId: "1", flowCta: "Open", flowToken: "t", flowAction: "navigate", flowActionPayload: { screen: "RATE" } },
    }));
  await run("place request", () => send.sendInteractiveLocationRequest({ ...base, bodyText: "Where?", parameters: { requestMessage: "Where?" } }));
  await run("call permission", () => send.sendInteractiveCallPermission({ ...base, bodyText: "May we?", parameters: { phoneNumber: to } }));
  await run("template", () =>
    send.sendTemplate({
      ...base,
      template: {
        name: "weekend_news",
        language: { code: "es" },
        components: [{ type: "body", parameters: [{ type: "text", text: "Ana" }, { type: "text", text: "pan" }] }],
      },
    }));
  await run("mark as read", () => send.markRead({ phoneNumberId: PHONE_NUMBER_ID, messageId: said, typingIndicator: { type: "text" } }), (result) => result.success);
  const file = new Blob([PNG], { type: "image/png" });
  const media = await run("upload", () => client.media.upload({ phoneNumberId: PHONE_NUMBER_ID, type: "image/png", file, fileName: "a.png" }), (result) => result.id);
  await run("media address", () => client.media.get({ mediaId: media.id, phoneNumberId: PHONE_NUMBER_ID }), (result) => result.url.startsWith("http"));
  await run("forget media", () => client.media.delete({ mediaId: media.id, phoneNumberId: PHONE_NUMBER_ID }), (result) => result.success);
  await run("templates", () => client.templates.list({ businessAccountId: "102290129340398", limit: 5 }), (result) => result.data.length === 5 && result.paging.cursors.after);
  const name = `made_by_kapso_${Date.now()}`;
  const account = { businessAccountId: "102290129340398", name };
  await run("new template", () =>
    client.templates.create({ ...account, language: "en_US", category: "UTILITY", components: [{ type: "BODY", text: "Hello" }] }), (result) => result.id && result.status === "PENDING");
  await run("forget template", () => client.templates.delete(account), (result) => result.success);
  await check("kapso", "refusal", () => send.sendText({ ...base, to: "+34600999888", body: "x" }).then(() => ({}), (error) => error), (error) => error.code === 131047 || error.raw?.error?.code === 131047 || JSON.stringify(error).includes("131047"));
}

async function apiJs() {
  const to = "5511987650001";
  const said = (await say(`+${to}`, "Oi")).wamid;
  const redirected = (url, options) => fetch(String(url).replace("https://graph.facebook.com", BASE_URL), options);
  const api = new WhatsAppAPI({ token: TOKEN, appSecret: APP_SECRET, webhookVerifyToken: VERIFY_TOKEN, v: "v25.0", ponyfill: { fetch: redirected } });
  const run = (name, message, ...more) =>
    check("apijs", name, () => api.sendMessage(PHONE_NUMBER_ID, to, message, ...more), sent);

  // The webhooks of this number come here for a while.
  const read = [];
  const wrong = [];
  const reader = new WhatsAppAPI({ token: TOKEN, secure: false, v: "v25.0" });
  reader.on.message = ({ message, from }) => { read.push({ message, from }); };
  reader.on.status = ({ status, id, biz_opaque_callback_data: tracker }) => { read.push({ status, id, tracker }); };
  const server = createServer(async (request, response) => {
    if (request.method === "GET") {
      const query = Object.fromEntries(new URL(request.url, "http://x").searchParams);
      try {
        response.end(api.get(query));
      } catch {
        response.writeHead(403).end();
      }
      return;
    }
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts).toString("utf8");
    const signature = request.headers["x-hub-signature-256"];
    if (!verifySignature({ appSecret: APP_SECRET, rawBody: body, signatureHeader: signature })) wrong.push(signature);
    // This client hashes the escaped form of a body, which is the body itself only where it came escaped.
    if (/^[\x00-\x7f]*$/.test(body) && !(await api.verifyRequestSignature(body, signature))) wrong.push(body);
    try {
      for (const entry of JSON.parse(body).entry) {
        for (const change of entry.changes) {
          for (const kind of ["messages", "statuses"]) {
            for (const item of change.value[kind] ?? []) {
              // It reads one update at a time, and has no word for an account's other news.
              const { messages, statuses, ...value } = change.value;
              await reader.post({ object: "whatsapp_business_account", entry: [{ ...entry, changes: [{ ...change, value: { ...value, [kind]: [item] } }] }] });
            }
          }
        }
      }
    } catch (error) {
      wrong.push(String(error));
    }
    response.end();
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const callback = `http://127.0.0.1:${server.address().port}/hook`;
  const override = (uri) =>
    post(`/v25.0/${PHONE_NUMBER_ID}`, { webhook_configuration: { override_callback_uri: uri, verify_token: VERIFY_TOKEN } }, { Authorization: `Bearer ${TOKEN}` });
  await check("apijs", "callback is verified", () => override(callback), (result) => result.success);

  const hello = await run("text", new m.Text("Oi", true), said, "order 9");
  await run("image", new m.Image(LINK, false, "c"));
  await run("audio", new m.Audio(LINK));
  await run("document", new m.Document(LINK, false, "c", "a.pdf"));
  await run("video", new m.Video(LINK, false, "c"));
  await run("sticker", new m.Sticker(LINK));
  await run("location", new m.Location(-46.65, -23.56, "MASP", "Av. Paulista"));
  await run("contacts", new m.Contacts([new m.Name("Ana P", "Ana"), new m.Phone("+5511987650002", "CELL")]));
  await run("reaction", new m.Reaction(said, "👍"));
  await run("taken back", new m.Reaction(said));
  await run("buttons", new m.Interactive(new m.ActionButtons(new m.Button("a", "A"), new m.Button("b", "B")), new m.Body("Pick"), new m.Header("h"), new m.Footer("f")));
  await run("list", new m.Interactive(new m.ActionList("Rows", new m.ListSection("s", new m.Row("1", "One", "d"))), new m.Body("Pick")));
  await run("link button", new m.Interactive(new m.ActionCTA("Open", LINK), new m.Body("See")));
  await run("flow", new m.Interactive(new m.ActionNavigateFlow("t", "1", "Open", "RATE"), new m.Body("Fill in")));
  await run("flow with data exchange", new m.Interactive(new m.ActionDataExchangeFlow("t", "1", "Open"), new m.Body("Fill in")));
  await run("place request", new m.Interactive(new m.ActionLocation(), new m.Body("Where?")));
  await run("call permission", new m.Interactive(new m.ActionCallPermission(), new m.Body("May we?")));
  await run("contact request", new m.Interactive(new m.ActionContactRequest(), new m.Body("Share?")));
  await run("catalogue", new m.Interactive(new m.ActionCatalog(new m.Product("sku")), new m.Body("Look")));
  await run("product", new m.Interactive(new m.ActionProduct(new m.CatalogProduct("sku", "1")), new m.Body("b")));
  await run("products", new m.Interactive(new m.ActionProductList("1", new m.ProductSection("s", new m.Product("sku"))), new m.Body("b"), new m.Header("h")));
  await run("template", new m.Template("weekend_news", "en_US", new m.BodyComponent(new m.BodyParameter("Ana"), new m.BodyParameter("rye"))));
  await run("one-time code", m.Template.OTP("verification_code", "en_US", "123456"));
  await check("apijs", "mark as read", () => api.markAsRead(PHONE_NUMBER_ID, said, "text"), (result) => result.success);
  const form = new FormData();
  form.append("messaging_product", "whatsapp");
  form.append("type", "image/png");
  form.append("file", new Blob([PNG], { type: "image/png" }), "a.png");
  const media = await check("apijs", "upload", () => api.uploadMedia(PHONE_NUMBER_ID, form), (result) => result.id);
  await run("image by id", new m.Image(media.id, true));
  const address = await check("apijs", "media address", () => api.retrieveMedia(media.id, PHONE_NUMBER_ID), (result) => result.url);
  await check("apijs", "media bytes", async () => (await api.fetchMedia(address.url)).arrayBuffer(), (bytes) => bytes.byteLength === PNG.length);
  await check("apijs", "forget media", () => api.deleteMedia(media.id, PHONE_NUMBER_ID), (result) => result.success);

  const again = (await say(`+${to}`, "tudo bem?")).wamid;
  const id = hello.messages[0].id;
  const arrived = () => read.some((item) => item.message?.id === again && item.from === to)
    && ["sent", "delivered", "read"].every((status) => read.some((item) => item.id === id && item.status === status && item.tracker === "order 9"));
  for (let tries = 0; tries < 600 && !arrived(); tries += 1) await new Promise((later) => setTimeout(later, 50));
  await check("apijs", "webhooks: message and statuses", async () => read, arrived);
  await check("apijs", "webhooks: all signed well and readable", async () => wrong, () => wrong.length === 0);
  await check("apijs", "callback is taken back", () => override(""), (result) => result.success);
  server.close();
}

await kapso();
await apiJs();
process.exit(failures > 0 ? 1 : 0);
