// Malay: the page of one's own account.

export default {
  // Who one is
  'profile.about': 'Tentang saya',
  'profile.saved': 'Data anda telah disimpan',
  'profile.since': 'Di sini sejak',
  'profile.policy': 'Dasar privasi',
  'profile.policy_accepted': 'versi {version}, dipersetujui pada {when}',
  'policy.accepted': 'Terima kasih, ini telah dicatat',
  'email.change': 'Tukar alamat e-mel',
  'email.new': 'Alamat e-mel baharu',
  'email.hint': 'Pautan dihantar kepadanya. Alamat lama kekal sehingga anda mengikuti pautan itu.',
  'email.sent': 'Pautan sedang dihantar kepada {email}. Alamat bertukar apabila anda mengikutinya.',

  // How it looks
  'looks.title': 'Bahasa dan tema',
  'looks.about': 'Pelayar ini menyimpannya dalam dua kuki. Selain itu dan kuki yang mengekalkan log masuk anda, tiada apa-apa tentang anda disimpan.',
  'language.use': 'Gunakan bahasa ini',
  'language.reloads': 'Halaman dimuat semula. Apa yang anda tulis dan belum hantar akan hilang.',

  // How one signs in
  'password.title': 'Tukar kata laluan',
  'password.now': 'Kata laluan sekarang',
  'password.change': 'Tukar',
  'password.changing': 'Menukar…',
  'password.changed': 'Kata laluan telah ditukar, dan semua sesi lain telah tamat',
  'password.not_yours': 'Ini bukan kata laluan anda.',
  'password.signs_out': 'Anda kemudian dilog keluar di semua tempat lain.',
  'sessions.title': 'Sesi saya',
  'sessions.about': 'Di mana anda log masuk. Tamatkan yang anda tidak kenal, kemudian tukar kata laluan anda.',
  'sessions.this': '{name} (yang ini)',
  'sessions.used': 'digunakan {used}, sejak {since}',
  'sessions.end': 'Tamatkan',
  'sessions.end_one': 'Tamatkan sesi {name}, sejak {since}',
  'sessions.ended': 'Sesi itu telah tamat',
  'sessions.end_others': 'Log keluar di semua tempat lain',
  'sessions.others_ended': 'Telah log keluar di semua tempat lain',
  'browser.on': '{browser} pada {system}',
  'browser.unknown': 'Pelayar tidak dikenali',
  'tenants.here': 'Anda di sini',
  'tenants.go': 'Bekerja di sini',
  'tenants.go_to': 'Bekerja untuk {name}',
  'sign_ins.title': 'Percubaan log masuk',
  'sign_ins.about': 'Yang anda tidak kenal mungkin orang yang mencuba kata laluan anda. Tukar kata laluan, dan hidupkan faktor kedua.',
  'sign_ins.none': 'Belum ada apa-apa yang dicatat.',
  'sign_ins.more': 'Yang terdahulu',
  'sign_ins.signed_in': 'Log masuk',
  'sign_ins.wrong_password': 'Kata laluan salah',
  'sign_ins.wrong_code': 'Kod salah',
  'sign_ins.password_reset': 'Kata laluan baharu melalui pautan',
  'sign_ins.new_device': 'peranti baharu',

  // How one leaves
  'tenants.mine': 'Perniagaan saya',
};
