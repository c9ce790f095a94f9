// Serves the page with a gateway that is not one: `node fake_gateway.mjs [PORT] [--people]`, then open the address that it prints.
// With `--people` an owner, an agent and somebody who may only read sign in to it, with the password that it prints.
//
// Customers write now and then, and answer what is sent to them.

import { someUsage } from './fake/business.mjs';
import { FakeGateway } from './fake/gateway.mjs';
import { tell } from './fake/story.mjs';
import { SECRET, withStaff } from './office.mjs';

const gateway = new FakeGateway();
const people = tell(gateway.ledger);
const lines = [
  'Thank you!',
  'Is that the price with delivery?',
  'Great 🌿',
  'How long does it take?',
  'Let me ask my husband.',
];
const text = (body) => ({ type: 'text', text: { body } });
let turn = 0;

gateway.ledger.onEvent = ((deliver) => (event) => {
  deliver(event);
  const { message } = event.data;
  if (event.kind !== 'message' || message.direction !== 'outbound') return;
  setTimeout(() => gateway.ledger.receive(message.conversation_id, text(lines[turn++ % lines.length])), 4_000);
})(gateway.ledger.onEvent);

setInterval(() => {
  const ids = Object.values(people);
  gateway.ledger.receive(ids[turn % ids.length], text(lines[turn++ % lines.length]));
}, 9_000);

await gateway.start(Number(process.argv[2] ?? 8099));
if (process.argv[3] === '--people') {
  gateway.business.rows = someUsage(30, Date.now());
  const { staff } = withStaff(gateway);
  console.log(`${gateway.localUrl} as ${Object.values(staff).map(({ email }) => email).join(', ')}, password: ${SECRET}`);
} else {
  console.log(gateway.url);
}
