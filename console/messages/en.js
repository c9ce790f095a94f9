// English. A key is `place.name`; `{holes}` are filled in; a text with plural forms goes by `{count}`.

export default {
  'any.close': 'Close',
  'any.cancel': 'Cancel',
  'any.save': 'Save',
  'any.saving': 'Saving…',
  'any.loading': 'Loading…',
  'any.try_again': 'Try again',
  'any.you': '{name} (you)',
  'any.copied': 'Copied',
  'any.copy_refused': 'The browser does not allow it',
};
