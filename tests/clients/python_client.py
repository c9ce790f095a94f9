"""Drives a simulator with pywa, as its users would drive Meta."""

import json
import os
import sys
import urllib.request

import httpx
from pywa import WhatsApp, errors
from pywa.types import (
    Button,
    CallPermissionRequestButton,
    Contact,
    ContactInfoRequestButton,
    FlowButton,
    ImageCarouselCard,
    ProductsSection,
    Section,
    SectionList,
    SectionRow,
    URLButton,
    VoiceCallButton,
)
from pywa.types.templates import (
    BodyText,
    CopyCodeButton,
    HeaderImage,
    TemplateLanguage,
)
from pywa.types.templates import URLButton as TemplateUrlButton

BASE_URL = os.environ["BASE_URL"]
NUMBER = os.environ["PHONE_NUMBER_ID"]
TOKEN = os.environ["TOKEN"]
CUSTOMER = "+447700900123"
PICTURE = "https://shop.example.com/bread.png"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)

failures = 0


class Redirected(httpx.HTTPTransport):
    """Sends to the simulator what is meant for Meta."""

    def handle_request(self, request):
        base = httpx.URL(BASE_URL)
        request.url = request.url.copy_with(scheme=base.scheme, host=base.host, port=base.port)
        request.headers["Host"] = base.netloc.decode()
        return super().handle_request(request)


def control(path, body):
    request = urllib.request.Request(
        f"{BASE_URL}/_control/{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def check(name, call, accept=lambda result: True):
    global failures
    try:
        result = call()
        fine = accept(result)
    except Exception as error:  # noqa: BLE001 - every kind of failure is a finding
        result, fine = error, False
    print(f"pywa  {'ok  ' if fine else 'FAIL'} {name}" + ("" if fine else f": {result!r}"))
    failures += not fine
    return result


def refused(name, call, code):
    global failures
    try:
        result = call()
        fine = False
    except errors.WhatsAppError as error:
        result, fine = error, error.code == code
    print(f"pywa  {'ok  ' if fine else 'FAIL'} {name}" + ("" if fine else f": {result!r}"))
    failures += not fine


session = httpx.Client(transport=Redirected())
said = control("say", {"from": CUSTOMER, "text": "Hello", "phone_number_id": NUMBER})["wamid"]
wa = WhatsApp(phone_id=NUMBER, token=TOKEN, session=session, waba_id="102290129340398")
sent = lambda result: result.id.startswith("wamid.")  # noqa: E731

text = check("text", lambda: wa.send_message(CUSTOMER, "Hi https://shop.example.com", preview_url=True), sent)
check("reply", lambda: wa.send_message(CUSTOMER, "Quoted", reply_to_message_id=said), sent)
check("tracker", lambda: wa.send_message(CUSTOMER, "Tracked", tracker="order 7"), sent)
check(
    "buttons",
    lambda: wa.send_message(CUSTOMER, "Pick", "Header", "Footer", [Button("Yes", "y"), Button("No", "n")]),
    sent,
)
rows = [SectionRow("One", "1", "first"), SectionRow("Two", "2")]
check("list", lambda: wa.send_message(CUSTOMER, "Pick", buttons=SectionList("Rows", [Section("All", rows)])), sent)
check("link button", lambda: wa.send_message(CUSTOMER, "See", buttons=URLButton("Open", "https://shop.example.com")), sent)
check("call button", lambda: wa.send_message(CUSTOMER, "Call", buttons=VoiceCallButton("Call us", 60)), sent)
check("call permission", lambda: wa.send_message(CUSTOMER, "May we?", buttons=CallPermissionRequestButton()), sent)
check("contact request", lambda: wa.send_message(CUSTOMER, "Share?", buttons=ContactInfoRequestButton()), sent)
check(
    "flow",
    lambda: wa.send_message(
        CUSTOMER, "Fill in", buttons=FlowButton("Start", flow_id="1052393163072117", flow_token="t", flow_action_screen="RATE")
    ),
    sent,
)
check("image by link", lambda: wa.send_image(CUSTOMER, PICTURE, "Bread"), sent)
check("image with buttons", lambda: wa.send_image(CUSTOMER, PICTURE, "Bread", buttons=[Button("More", "m")]), sent)
check("video", lambda: wa.send_video(CUSTOMER, "https://shop.example.com/a.mp4", "Film"), sent)
check("audio", lambda: wa.send_audio(CUSTOMER, "https://shop.example.com/a.mp3"), sent)
check("document", lambda: wa.send_document(CUSTOMER, "https://shop.example.com/a.pdf", "a.pdf", "Bill"), sent)
check("sticker", lambda: wa.send_sticker(CUSTOMER, "https://shop.example.com/a.webp"), sent)
check("location", lambda: wa.send_location(CUSTOMER, 51.5, -0.12, "London", "Whitehall"), sent)
card = Contact(name=Contact.Name(formatted_name="Ana P", first_name="Ana"), phones=[Contact.Phone(phone="+447700900124")])
check("contact", lambda: wa.send_contact(CUSTOMER, card), sent)
check("reaction", lambda: wa.send_reaction(CUSTOMER, "👍", said), sent)
check("catalogue", lambda: wa.send_catalog(CUSTOMER, "Look", thumbnail_product_sku="sku"), sent)
check("product", lambda: wa.send_product(CUSTOMER, "12", "sku", "This one"), sent)
check("products", lambda: wa.send_products(CUSTOMER, "12", [ProductsSection("All", ["a", "b"])], "Title", "Body"), sent)
cards = [
    ImageCarouselCard(image=PICTURE, body="One", buttons=URLButton("Buy", "https://shop.example.com/1")),
    ImageCarouselCard(image=PICTURE, body="Two", buttons=URLButton("Buy", "https://shop.example.com/2")),
]
check("carousel", lambda: wa.send_carousel(CUSTOMER, body="Pick", cards=cards), sent)
check("mark as read", lambda: wa.mark_message_as_read(said), lambda result: result.success)
check("typing", lambda: wa.indicate_typing(said), lambda result: result.success)

english = TemplateLanguage.ENGLISH_US
check("template", lambda: wa.send_template(CUSTOMER, "hello_world", english), sent)
check(
    "template with values",
    lambda: wa.send_template(
        CUSTOMER,
        "order_shipped",
        english,
        [BodyText.params("Ana", "1042", "tomorrow"), TemplateUrlButton.params(url_variable="1042", index=0)],
    ),
    sent,
)
check(
    "template with names and media",
    lambda: wa.send_template(
        CUSTOMER,
        "seasonal_offer",
        english,
        [
            HeaderImage.params(image=PICTURE),
            BodyText.params(first_name="Ana", discount="25%", code="SPRING25"),
            CopyCodeButton.params(coupon_code="SPRING25", index=0),
        ],
    ),
    sent,
)
check(
    "marketing messages",
    lambda: wa.send_template(
        CUSTOMER, "weekend_news", english, [BodyText.params("Ana", "rye")], use_mm_lite_api=True
    ),
    sent,
)

media = check("upload", lambda: wa.upload_media(PNG, "image/png", "a.png"), lambda result: str(result.id).isdigit())
check("image by id", lambda: wa.send_image(CUSTOMER, media.id), sent)
address = check("media address", lambda: wa.get_media_url(media.id), lambda result: result.mime_type == "image/png")
check("media bytes", lambda: wa.get_media_bytes(address.url), lambda result: result == PNG)
check("forget media", lambda: wa.delete_media(media.id, phone_id=None), lambda result: result.success)

check("templates", lambda: list(wa.get_templates()), lambda result: {"hello_world"} <= {item.name for item in result})
check("number", lambda: wa.get_business_phone_number(), lambda result: result.id == NUMBER)
check("profile", lambda: wa.get_business_profile(), lambda result: bool(result.about))
check("account", lambda: wa.get_business_account(), lambda result: result.id == "102290129340398")
check("numbers", lambda: list(wa.get_business_phone_numbers()), lambda result: NUMBER in [item.id for item in result])

hidden = control("customers", {"username": "ana.p"})["user_id"]
control("say", {"from": hidden, "text": "Hello", "phone_number_id": NUMBER})
check("text to a user id", lambda: wa.send_message(hidden, "Hi"), sent)

refused("outside the window", lambda: wa.send_message("+447700900999", "Hi"), 131047)
refused("unknown template", lambda: wa.send_template(CUSTOMER, "nope", english, []), 132001)
refused("too few values", lambda: wa.send_template(CUSTOMER, "weekend_news", english, []), 132000)
refused("text too long", lambda: wa.send_message(CUSTOMER, "x" * 4097), 131009)

sys.exit(1 if failures else 0)
