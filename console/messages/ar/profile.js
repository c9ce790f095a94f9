// Arabic: the page of one's own account.

export default {
  // Who one is
  'profile.about': 'عنّي',
  'profile.saved': 'حُفظت بياناتك',
  'profile.since': 'هنا منذ',
  'profile.policy': 'سياسة الخصوصية',
  'profile.policy_accepted': 'الإصدار {version}، وافقتَ عليه في {when}',
  'policy.accepted': 'شكرًا، تم تدوين ذلك',
  'email.change': 'تغيير البريد الإلكتروني',
  'email.new': 'البريد الإلكتروني الجديد',
  'email.hint': 'يُرسل إليه رابط. يبقى العنوان القديم حتى تتبع الرابط.',
  'email.sent': 'رابط في طريقه إلى {email}. يتغيّر العنوان عندما تتبعه.',

  // How it looks
  'looks.title': 'اللغة والمظهر',
  'looks.about': 'يحفظهما هذا المتصفح في ملفي تعريف ارتباط. وما عداهما والملف الذي يُبقيك مسجّل الدخول لا يحفظ شيئًا عنك.',
  'language.use': 'استخدام هذه اللغة',
  'language.reloads': 'تُحمَّل الصفحة من جديد. ما كتبته ولم ترسله يضيع عندئذ.',

  // How one signs in
  'password.title': 'تغيير كلمة المرور',
  'password.now': 'كلمة المرور الحالية',
  'password.change': 'تغييرها',
  'password.changing': 'جارٍ التغيير…',
  'password.changed': 'تغيّرت كلمة المرور، وانتهت كل الجلسات الأخرى',
  'password.not_yours': 'هذه ليست كلمة مرورك.',
  'password.signs_out': 'يُسجَّل خروجك عندئذ في كل مكان آخر.',
  'sessions.title': 'جلساتي',
  'sessions.about': 'حيث سجّلت الدخول. أنهِ ما لا تعرفه، ثم غيّر كلمة مرورك.',
  'sessions.this': '{name} (هذه)',
  'sessions.used': 'استُخدمت {used}، منذ {since}',
  'sessions.end': 'إنهاء',
  'sessions.end_one': 'إنهاء جلسة {name}، منذ {since}',
  'sessions.ended': 'انتهت تلك الجلسة',
  'sessions.end_others': 'تسجيل الخروج في كل مكان آخر',
  'sessions.others_ended': 'سُجّل الخروج في كل مكان آخر',
  'browser.on': '{browser} على {system}',
  'browser.unknown': 'متصفح غير معروف',
  'tenants.here': 'أنت هنا',
  'tenants.go': 'العمل هنا',
  'tenants.go_to': 'العمل لدى {name}',
  'sign_ins.title': 'محاولات تسجيل الدخول',
  'sign_ins.about': 'ما لا تعرفه قد يكون شخصًا يجرّب كلمة مرورك. غيّرها عندئذ، وشغّل العامل الثاني.',
  'sign_ins.none': 'لم يُدوَّن شيء بعد.',
  'sign_ins.more': 'الأقدم',
  'sign_ins.signed_in': 'تسجيل دخول',
  'sign_ins.wrong_password': 'كلمة مرور خاطئة',
  'sign_ins.wrong_code': 'رمز خاطئ',
  'sign_ins.password_reset': 'كلمة مرور جديدة عبر رابط',
  'sign_ins.new_device': 'جهاز جديد',

  // How one leaves
  'tenants.mine': 'أنشطتي',
};
