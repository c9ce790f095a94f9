// Meta's error codes in plain sentences, for the agent who wrote the message.
//
// Source: Cloud API, "Error codes". Only codes that an agent can meet on a message are here; for any other one Meta's own
// title is shown.

const SENTENCES = new Map([
  [0, 'WhatsApp did not accept our credentials. An administrator has to renew the access token.'],
  [10, 'This account may not do that. An administrator has to check its permissions.'],
  [100, 'WhatsApp found something wrong in this message.'],
  [190, 'The access token has expired. An administrator has to renew it.'],
  [368, 'WhatsApp has blocked this account for a policy violation.'],
  [130403, 'You have blocked this customer.'],
  [130429, 'This number is sending faster than WhatsApp allows.'],
  [130472, 'WhatsApp holds marketing messages back from this customer.'],
  [130497, 'WhatsApp does not allow messages to customers in this country.'],
  [131000, 'Something went wrong at WhatsApp.'],
  [131005, 'This account may not do that. An administrator has to check its permissions.'],
  [131008, 'Something that WhatsApp requires is missing in this message.'],
  [131009, 'Something in this message has a value that WhatsApp does not take.'],
  [131016, 'WhatsApp was not available.'],
  [131021, 'A number cannot write to itself.'],
  [131026, 'It cannot be delivered: the customer may not use WhatsApp, or uses an old version.'],
  [131030, 'This customer is not on the list of allowed test numbers.'],
  [131031, 'WhatsApp has locked this account.'],
  [131037, 'The display name of this number is not approved yet.'],
  [131042, 'There is a problem with the payment method of this account.'],
  [131047, 'More than 24 hours have passed since the customer last wrote. Only a template can be sent.'],
  [131048, 'WhatsApp limits this number because too many of its messages were reported as spam.'],
  [131049, 'WhatsApp did not deliver it, to keep the number of marketing messages to this customer low.'],
  [131050, 'This customer does not want marketing messages from you.'],
  [131051, 'WhatsApp does not know this kind of message.'],
  [131052, 'The file that the customer sent could not be downloaded.'],
  [131053, 'The file could not be uploaded: its type or size is not allowed.'],
  [131056, 'Too many messages to this customer in a short time.'],
  [131057, 'This number is being upgraded by WhatsApp.'],
  [131062, 'This kind of message needs the phone number of the customer.'],
  [132000, 'The template wants another number of variables.'],
  [132001, 'There is no approved template of this name in this language.'],
  [132005, 'The text is too long once the variables are filled in.'],
  [132007, 'The template breaks a rule of WhatsApp.'],
  [132012, 'A variable does not have the form that the template wants.'],
  [132015, 'The template is paused because customers rated it low.'],
  [132016, 'The template was disabled for good because customers rated it low.'],
  [132018, 'There is a problem with the variables of the template.'],
  [133010, 'This number is not registered at WhatsApp.'],
  [135000, 'WhatsApp could not send it and did not say why.'],
]);

// Worth another try by the agent: the reason passes by itself.
const PASSING = new Set([2, 4, 80007, 130429, 131000, 131016, 131056, 131057, 133004]);

/** What went wrong, in one sentence. */
export function sentenceFor(error) {
  if (!error) return 'WhatsApp did not take it.';
  return SENTENCES.get(error.code) ?? (error.title || 'WhatsApp did not take it.');
}

/** Whether the same message may well go through when it is sent again. */
export function mayPass(error) {
  return Boolean(error) && PASSING.has(error.code);
}
