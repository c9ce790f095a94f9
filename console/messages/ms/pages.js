// Malay: the rail, and what all pages have in common.

export default {
  // The frame
  'frame.console': 'Bahagian konsol',
  'rail.more': 'Lagi halaman',
  'rail.unread': { other: '{count} perbualan dengan mesej baharu' },
  'page.inbox': 'Peti masuk',
  'page.contacts': 'Kenalan',
  'page.broadcasts': 'Siaran',
  'page.team': 'Pasukan',
  'page.business': 'Perniagaan',
  'page.numbers': 'Nombor',
  'page.keys': 'Kunci API',
  'page.canned-replies': 'Balasan sedia',
  'page.templates': 'Templat',
  'page.usage': 'Penggunaan',
  'page.audit': 'Log audit',
  'page.profile': 'Akaun saya',
  'page.copy': 'Salin',
  'page.lost': 'Halaman ini tidak dapat dimuatkan. Semak sambungan, dan buka semula.',
  'page.not_there': 'Get laluan ini tidak menawarkan ini.',
  'page.refused': 'Peranan anda tidak membenarkan halaman ini. Pemilik atau pentadbir boleh memberi anda peranan lain.',
};
