// Arabic: the rail, and what all pages have in common.

export default {
  // The frame
  'frame.console': 'أجزاء لوحة التحكم',
  'rail.more': 'صفحات أخرى',
  'rail.unread': {
    zero: 'لا محادثات برسائل جديدة',
    one: 'محادثة واحدة برسائل جديدة',
    two: 'محادثتان برسائل جديدة',
    few: '{count} محادثات برسائل جديدة',
    many: '{count} محادثة برسائل جديدة',
    other: '{count} محادثة برسائل جديدة',
  },
  'page.inbox': 'صندوق الوارد',
  'page.contacts': 'جهات الاتصال',
  'page.broadcasts': 'حملات الإرسال',
  'page.team': 'الفريق',
  'page.business': 'النشاط',
  'page.numbers': 'الأرقام',
  'page.keys': 'مفاتيح API',
  'page.canned-replies': 'الردود الجاهزة',
  'page.templates': 'القوالب',
  'page.usage': 'الاستخدام',
  'page.audit': 'سجل التدقيق',
  'page.profile': 'حسابي',
  'page.copy': 'نسخ',
  'page.lost': 'تعذّر تحميل هذه الصفحة. تحقق من الاتصال وافتحها من جديد.',
  'page.not_there': 'لا تقدّم هذه البوابة هذا.',
  'page.refused': 'دورك لا يسمح بهذه الصفحة. يمكن لمالك أو مدير أن يعطيك دورًا آخر.',
};
