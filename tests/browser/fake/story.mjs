// A morning at a small shop: conversations of every kind, for looking at the page and for testing it.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const ANA = { kind: 'agent', id: 'ana' };
const BEN = { kind: 'agent', id: 'ben' };
const text = (body, more = {}) => ({ type: 'text', text: { body }, ...more });

/** Texts that would run if they were ever taken for markup. */
export const HOSTILE = [
  '<script>window.stolen = 1</script>',
  '<img src=x onerror="window.stolen = 1">',
  '"><svg onload=window.stolen=1>',
  'javascript:window.stolen=1//',
  '</textarea><iframe srcdoc="<script>parent.stolen=1</script>"></iframe>',
  '[click](javascript:window.stolen=1) https://example.com/"onmouseover="window.stolen=1',
];

/** Fills a ledger; gives the ids of its conversations by the customer's first name. */
export function tell(ledger, now = Date.now()) {
  const people = {};
  const meet = (key, contact, at) => {
    people[key] = ledger.meet(contact, at);
    return people[key];
  };
  const reply = (id, body, at, fate = 'read', author = ANA, more = {}) => {
    const content = typeof body === 'string' ? text(body) : body;
    const sent = ledger.submit(id, content, { author, at, wamid: `wamid.${id}.${at}` });
    for (const [step, state] of ['sent', 'delivered', 'read'].entries()) {
      if (fate === 'failed' || fate === 'unknown' || fate === 'queued') break;
      ledger.move(sent, state, { at: at + (step + 1) * 900 });
      if (state === fate) break;
    }
    if (fate === 'failed') ledger.move(sent, 'failed', { at: at + 900, ...more });
    if (fate === 'unknown') ledger.move(sent, 'unknown', { at: at + 900 });
    return sent;
  };

  strangers(ledger, now);
  attacker(ledger, meet, now);
  closed({ ledger, meet, reply }, now);
  failing({ ledger, meet, reply }, now);
  kinds({ ledger, meet, reply }, now);
  odd({ ledger, meet, reply }, now);
  unbroken({ ledger, meet, reply }, now);
  rightToLeft({ ledger, meet, reply }, now);
  garden({ ledger, meet, reply }, now);
  group(ledger, now);
  ledger.organise(people.sari, { assignee: 'ana', labels: ['vip', 'workshop'] }, ANA, now - 3 * HOUR);
  ledger.organise(people.tomas, { assignee: 'ben', labels: ['delivery'] }, BEN, now - 2 * HOUR);
  return people;
}

function strangers(ledger, now) {
  const names = [
    'Noor Haddad',
    'Chidi Eze',
    'Ingrid Solheim',
    'Paulo Mendes',
    'Wei Lin',
    'Aroha Ngata',
    'Jonas Weber',
    'Leïla Benali',
  ];
  const lines = [
    'Thank you, see you on Friday!',
    'Do you ship to Lombok?',
    'Got it 👍',
    'Is the blue pot back in stock?',
    'The courier left it at the neighbour’s, all fine.',
    'What are your opening hours on Sunday?',
    'Perfect.',
    'Merci beaucoup, c’est parfait.',
  ];
  for (const [i, name] of names.entries()) {
    const at = now - (30 + i * 19) * HOUR;
    const id = ledger.meet({ name, phone: `62811555${1000 + i * 37}` }, at);
    ledger.receive(id, text(lines[i]), at);
    ledger.organise(id, { unread: 0, ...(i % 3 === 0 && { status: 'resolved' }) }, ANA, at);
  }
}

function group(ledger, now) {
  const id = ledger.meet({ name: 'Sunday gardeners', group_id: 'Y2FwaV9ncm91cDox' }, now - 26 * HOUR);
  ledger.organise(id, { labels: ['club'] }, ANA, now - 26 * HOUR);
}

function attacker(ledger, meet, now) {
  const id = meet(
    'mallory',
    { name: '<b onclick=alert(1)>Mallory</b>', username: 'mallory', bsuid: 'US.900' },
    now - 5 * HOUR,
  );
  for (const [i, line] of HOSTILE.entries()) ledger.receive(id, text(line), now - 5 * HOUR + i * 1000);
  ledger.receive(id, { type: '<script>', '<script>': { body: '<img src=x onerror=alert(1)>' } }, now - 5 * HOUR + 9000);
}

function closed({ ledger, meet, reply }, now) {
  const id = meet('hannah', { name: 'Hannah Okafor', phone: '2348035550142' }, now - 80 * HOUR);
  ledger.receive(id, text('Hi! Could you keep one of the olive trees for me until the weekend?'), now - 52 * HOUR);
  reply(id, 'Of course, Hannah. It has your name on it.', now - 51 * HOUR, 'delivered');
  ledger.organise(id, { unread: 0, status: 'pending' }, ANA, now - 51 * HOUR);
}

function failing({ ledger, meet, reply }, now) {
  const id = meet('tomas', { name: 'Tomás Rivera', phone: '34600555018' }, now - 4 * HOUR);
  ledger.receive(id, text('Hola, my order 4411 should have come yesterday. Where is it?'), now - 4 * HOUR);
  reply(id, 'Hola Tomás, I am sorry. Let me ask the courier.', now - 3.6 * HOUR, 'read', BEN);
  ledger.note(id, 'Courier says the parcel is in Getafe; second attempt today before 18:00.', {
    author: BEN,
    at: now - 3.1 * HOUR,
  });
  reply(id, 'It is in Getafe and will be with you before 18:00 today.', now - 3 * HOUR, 'failed', BEN, {
    error: { code: 131026, title: 'Message undeliverable', details: 'Message Undeliverable.' },
  });
  reply(id, 'Did you get my message about the parcel?', now - 2.4 * HOUR, 'unknown', BEN);
  reply(id, 'I will write again once the courier calls me back.', now - 2.3 * HOUR, 'queued', BEN);
}

function kinds({ ledger, meet, reply }, now) {
  const start = now - 26 * HOUR;
  const id = meet('dewi', { name: 'Dewi Lestari', phone: '6281255501077', username: 'dewi.lestari' }, start);
  let at = start;
  const next = () => (at += 3 * MINUTE);
  ledger.receive(
    id,
    {
      ...text('Can I get more info about this?'),
      referral: {
        source_type: 'ad',
        headline: 'Balcony gardens from 250k',
        body: 'Everything for a small balcony, planted for you.',
        source_url: 'https://example.com/ad',
      },
    },
    next(),
  );
  reply(
    id,
    {
      type: 'template',
      template: {
        name: 'balcony_offer',
        language: { code: 'en' },
        components: [
          {
            type: 'body',
            parameters: [
              { type: 'text', text: 'Dewi' },
              { type: 'text', text: '15 %' },
            ],
          },
          { type: 'button', sub_type: 'quick_reply', index: '0', parameters: [{ type: 'payload', payload: 'YES' }] },
        ],
      },
    },
    next(),
    'read',
    { kind: 'api', key: 'spring' },
  );
  ledger.receive(id, { type: 'button', button: { payload: 'YES', text: 'Yes, tell me more' } }, next());
  ledger.receive(
    id,
    {
      type: 'image',
      image: { id: '1', mime_type: 'image/jpeg', caption: 'This is my balcony. It gets the sun until noon.' },
    },
    next(),
  );
  ledger.receive(id, { type: 'audio', audio: { id: '2', mime_type: 'audio/ogg; codecs=opus', voice: true } }, next());
  const list = reply(
    id,
    {
      type: 'interactive',
      interactive: {
        type: 'list',
        header: { type: 'text', text: 'Pick a size' },
        body: { text: 'How much room do you have?' },
        footer: { text: 'We bring soil and pots' },
        action: {
          button: 'Sizes',
          sections: [
            {
              title: 'Balconies',
              rows: [
                { id: 's', title: 'Small', description: 'up to 2 m²' },
                { id: 'm', title: 'Medium', description: 'up to 5 m²' },
              ],
            },
          ],
        },
      },
    },
    next(),
  );
  ledger.receive(
    id,
    {
      type: 'interactive',
      interactive: { type: 'list_reply', list_reply: { id: 'm', title: 'Medium', description: 'up to 5 m²' } },
      context: { id: list.wamid },
    },
    next(),
  );
  ledger.receive(
    id,
    {
      type: 'location',
      location: { latitude: -8.6705, longitude: 115.2126, name: 'Jalan Melati 12', address: 'Denpasar, Bali' },
    },
    next(),
  );
  ledger.receive(
    id,
    {
      type: 'contacts',
      contacts: [
        {
          name: { formatted_name: 'Ketut (gate)' },
          phones: [{ phone: '+62 812 555 0109', type: 'MOBILE' }],
          org: { company: 'Melati Residence' },
        },
      ],
    },
    next(),
  );
  reply(
    id,
    {
      type: 'document',
      document: {
        id: '9',
        filename: 'offer-medium-balcony.pdf',
        caption: 'Your offer, valid until the end of the month.',
      },
    },
    next(),
  );
  ledger.receive(
    id,
    {
      type: 'order',
      order: {
        catalog_id: '1',
        text: 'And these please!',
        product_items: [
          { product_retailer_id: 'terracotta-30', quantity: 2, item_price: 85000, currency: 'IDR' },
          { product_retailer_id: 'soil-20l', quantity: 3, item_price: 40000, currency: 'IDR' },
        ],
      },
    },
    next(),
  );
  ledger.receive(id, { type: 'sticker', sticker: { id: '3', mime_type: 'image/webp', animated: false } }, next());
  ledger.receive(
    id,
    { type: 'unsupported', unsupported: { type: 'poll' }, errors: [{ code: 131051, title: 'Message type unknown' }] },
    next(),
  );
  ledger.receive(id, { type: 'hologram', hologram: { depth: 3 } }, next());
  ledger.receive(
    id,
    {
      type: 'system',
      system: { body: 'Dewi Lestari changed from 6281255501077 to 6281255501088', type: 'user_changed_number' },
    },
    next(),
  );
  ledger.organise(id, { unread: 0 }, ANA, at);
  ledger.receive(id, text('When could you come by?'), now - 55 * MINUTE);
}

/** A word of 110 characters, as a link may hold one. */
export const TOKEN = 'eyJhbGciOiJIUzI1NiJ9'.repeat(6).slice(0, 110);

/** Messages that lack what others have, or say more than a text does. */
function odd({ ledger, meet, reply }, now) {
  const id = meet('iklan', { name: 'Iklan Tabela', phone: '5511911112222' }, now - 7 * HOUR);
  let at = now - 6.9 * HOUR;
  const next = () => (at += 2 * MINUTE);
  ledger.receive(
    id,
    {
      type: 'unsupported',
      errors: [
        {
          code: 131060,
          title: 'This message is unavailable',
          error_data: { details: 'This message is currently unavailable' },
        },
      ],
    },
    next(),
  );
  ledger.receive(
    id,
    {
      type: 'order',
      order: {
        catalog_id: '77',
        product_items: [
          { product_retailer_id: 'fern', quantity: 2, currency: 'BRL' },
          { product_retailer_id: 'pot-xl', quantity: '1', item_price: '49.5', currency: 'BRL' },
        ],
      },
    },
    next(),
  );
  ledger.receive(
    id,
    {
      ...text('Is this one still there?'),
      context: { referred_product: { catalog_id: '77', product_retailer_id: 'monstera-60' } },
    },
    next(),
  );
  for (const [response, more] of [
    ['accept', { expiration_timestamp: Math.floor(now / 1000) + 86_400, response_source: 'user_action' }],
    ['reject', {}],
  ])
    ledger.receive(
      id,
      { type: 'interactive', interactive: { type: 'call_permission_reply', call_permission_reply: { response, ...more } } },
      next(),
    );
  ledger.note(id, 'Asked twice about calls', { author: ANA, at: next() });
  ledger.organise(
    id,
    { unread: 0, labels: ['delivery today', 'wholesale', 'vip'], assignee: 'ben', status: 'pending' },
    ANA,
    at,
  );
}

/** The same word wherever a message has room for text: none of them may make the page wider. */
function unbroken({ ledger, meet, reply }, now) {
  const id = meet('wide', { name: TOKEN, username: TOKEN.slice(0, 30) }, now - 7.5 * HOUR);
  let at = now - 7.4 * HOUR;
  const next = () => (at += 2 * MINUTE);
  const link = reply(id, `https://shop.example/basket?token=${TOKEN}`, next());
  const customers = [
    text(TOKEN, { context: { id: link.wamid } }),
    text(`*${TOKEN}* \`${TOKEN}\``, { context: { referred_product: { product_retailer_id: TOKEN } } }),
    text('Hi', { referral: { source_type: 'ad', headline: TOKEN, body: TOKEN, source_url: `https://a.example/${TOKEN}` } }),
    { type: 'image', image: { id: '4', mime_type: `image/${TOKEN}`, caption: TOKEN } },
    { type: 'location', location: { latitude: 1, longitude: 2, name: TOKEN, address: TOKEN } },
    { type: 'contacts', contacts: [{ name: { formatted_name: TOKEN }, phones: [{ phone: TOKEN }] }] },
    { type: 'button', button: { text: TOKEN } },
    { type: 'order', order: { text: TOKEN, product_items: [{ product_retailer_id: TOKEN, quantity: 1, item_price: 1e15, currency: 'EUR' }] } },
    { type: 'interactive', interactive: { type: 'list_reply', list_reply: { title: TOKEN, description: TOKEN } } },
    { type: 'interactive', interactive: { type: 'nfm_reply', nfm_reply: { body: TOKEN, response_json: JSON.stringify({ [TOKEN]: TOKEN }) } } },
    { type: 'unsupported', unsupported: { type: TOKEN }, errors: [{ code: 131051, error_data: { details: TOKEN } }] },
    { type: TOKEN, [TOKEN]: { value: TOKEN } },
    { type: 'system', system: { body: TOKEN } },
  ];
  for (const content of customers) ledger.receive(id, content, next());
  const ours = [
    { type: 'document', document: { id: '5', filename: `${TOKEN}.pdf`, caption: TOKEN } },
    { type: 'template', template: { name: TOKEN, language: { code: 'en' }, components: [{ type: 'body', parameters: [{ type: 'text', parameter_name: TOKEN, text: TOKEN }] }] } },
    { type: 'interactive', interactive: { type: 'button', header: { type: 'text', text: TOKEN }, body: { text: TOKEN }, footer: { text: TOKEN }, action: { buttons: [{ reply: { title: TOKEN } }] } } },
    { type: 'interactive', interactive: { type: 'list', body: { text: TOKEN }, action: { button: TOKEN, sections: [{ title: TOKEN, rows: [{ title: TOKEN, description: TOKEN }] }] } } },
  ];
  for (const content of ours) reply(id, content, next());
  reply(id, TOKEN, next(), 'failed', ANA, { error: { code: 1, title: TOKEN } });
  ledger.note(id, TOKEN, { author: BEN, at: next() });
  ledger.organise(id, { unread: 0, labels: [TOKEN.slice(0, 40), TOKEN.slice(0, 39)] }, ANA, at);
}

function rightToLeft({ ledger, meet, reply }, now) {
  const id = meet('yara', { name: 'يارا منصور', phone: '966505550133' }, now - 8 * HOUR);
  ledger.receive(id, text('مرحبا، هل لديكم أشجار زيتون صغيرة للشرفة؟'), now - 7.9 * HOUR);
  reply(id, 'أهلاً يارا! نعم، تبدأ من 120 ريال.', now - 7.5 * HOUR, 'read');
  ledger.receive(id, text('ممتاز، هل التوصيل إلى Riyadh متاح؟'), now - 7.4 * HOUR);
}

function garden({ ledger, meet, reply }, now) {
  const id = meet('sari', { name: 'Sari Wijaya', phone: '6281355501234' }, now - 49 * HOUR);
  const day = now - 25 * HOUR;
  for (let i = 0; i < 90; i += 1) {
    const at = day - 20 * HOUR + i * 2 * MINUTE;
    if (i % 3 === 0) reply(id, `Noted, that is number ${i + 1}.`, at);
    else ledger.receive(id, text(`Plant ${i + 1} for the list`), at);
  }
  ledger.receive(id, text('Hello! Is there still room in the *Saturday workshop*?'), day);
  reply(id, 'Hi Sari, yes: two places are left. Shall I keep one for you?', day + 3 * MINUTE);
  const both = ledger.receive(
    id,
    text('Both, please. My sister comes along.\nCan we bring our own pots?'),
    day + 5 * MINUTE,
  );
  ledger.note(id, 'Sari is a regular: _no deposit needed_.', { author: BEN, at: day + 6 * MINUTE });
  const yes = reply(
    id,
    text(
      'Both places are yours. Bring any pot you like, as long as it has a hole in the bottom: https://example.com/workshop',
      { context: { message_id: both.wamid } },
    ),
    day + 8 * MINUTE,
  );
  ledger.receive(id, { type: 'reaction', reaction: { message_id: yes.wamid, emoji: '❤️' } }, day + 9 * MINUTE);
  reply(
    id,
    {
      type: 'interactive',
      interactive: {
        type: 'button',
        body: { text: 'Your gardening workshop is tomorrow at 9:00. Does that still suit you?' },
        footer: { text: 'Reply with a button' },
        action: {
          buttons: [
            { type: 'reply', reply: { id: 'y', title: 'See you there' } },
            { type: 'reply', reply: { id: 'n', title: 'Move it' } },
          ],
        },
      },
    },
    now - 3 * HOUR,
    'read',
    { kind: 'api', key: 'reminders' },
  );
  ledger.organise(id, { unread: 0 }, ANA, now - 3 * HOUR);
  ledger.receive(
    id,
    { type: 'interactive', interactive: { type: 'button_reply', button_reply: { id: 'y', title: 'See you there' } } },
    now - 6 * MINUTE,
  );
  ledger.receive(id, text('One question: should we bring gloves?'), now - 5 * MINUTE);
}
