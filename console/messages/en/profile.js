// English: the page of one's own account.

export default {
  // Who one is
  'profile.about': 'About me',
  'profile.saved': 'Your data are saved',
  'profile.since': 'Here since',
  'profile.policy': 'Privacy policy',
  'profile.policy_accepted': 'version {version}, agreed to on {when}',
  'policy.accepted': 'Thank you, this is written down',
  'email.change': 'Change the e-mail address',
  'email.new': 'New e-mail address',
  'email.hint': 'A link goes to it. The old address stays until you follow the link.',
  'email.sent': 'A link is on its way to {email}. The address changes when you follow it.',

  // How it looks
  'looks.title': 'Language and theme',
  'looks.about': 'This browser keeps them in two cookies. Beside these and the one that keeps you signed in, it keeps nothing about you.',
  'language.use': 'Use this language',
  'language.reloads': 'The page is loaded anew. What you have written and not sent is lost then.',

  // How one signs in
  'password.title': 'Change password',
  'password.now': 'Password now',
  'password.change': 'Change it',
  'password.changing': 'Changing…',
  'password.changed': 'The password is changed, and all other sessions have ended',
  'password.not_yours': 'This is not your password.',
  'password.signs_out': 'You are signed out everywhere else then.',
  'sessions.title': 'My sessions',
  'sessions.about': 'Where you are signed in. End what you do not know, and change your password then.',
  'sessions.this': '{name} (this one)',
  'sessions.used': 'used {used}, since {since}',
  'sessions.end': 'End',
  'sessions.end_one': 'End the session of {name}, since {since}',
  'sessions.ended': 'That session is over',
  'sessions.end_others': 'Sign out everywhere else',
  'sessions.others_ended': 'Signed out everywhere else',
  'browser.on': '{browser} on {system}',
  'browser.unknown': 'An unknown browser',
  'tenants.here': 'You are here',
  'tenants.go': 'Work here',
  'tenants.go_to': 'Work for {name}',
  'sign_ins.title': 'Attempts to sign in',
  'sign_ins.about': 'What you do not know may be somebody who tries your password. Change it then, and turn the second factor on.',
  'sign_ins.none': 'Nothing is written down yet.',
  'sign_ins.more': 'Earlier ones',
  'sign_ins.signed_in': 'Signed in',
  'sign_ins.wrong_password': 'Wrong password',
  'sign_ins.wrong_code': 'Wrong code',
  'sign_ins.password_reset': 'New password by a link',
  'sign_ins.new_device': 'a new device',

  // How one leaves
  'tenants.mine': 'My businesses',
};
