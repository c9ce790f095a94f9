// English: the rail, and what all pages have in common.

export default {
  // The frame
  'frame.console': 'Parts of the console',
  'rail.more': 'More pages',
  'rail.unread': { one: '{count} conversation with new messages', other: '{count} conversations with new messages' },
  'page.inbox': 'Inbox',
  'page.contacts': 'Contacts',
  'page.broadcasts': 'Broadcasts',
  'page.team': 'Team',
  'page.business': 'Business',
  'page.numbers': 'Numbers',
  'page.keys': 'API keys',
  'page.canned-replies': 'Canned replies',
  'page.templates': 'Templates',
  'page.usage': 'Usage',
  'page.audit': 'Audit log',
  'page.profile': 'My account',
  'page.copy': 'Copy',
  'page.lost': 'This page could not be loaded. Check the connection, and open it again.',
  'page.not_there': 'This gateway does not offer this.',
  'page.refused': 'Your role does not allow this page. An owner or admin can give you another role.',
};
