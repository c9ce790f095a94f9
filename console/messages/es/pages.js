// Spanish: the rail, and what all pages have in common.

export default {
  // The frame
  'frame.console': 'Partes de la consola',
  'rail.more': 'Más páginas',
  'rail.unread': {
    one: '{count} conversación con mensajes nuevos',
    many: '{count} de conversaciones con mensajes nuevos',
    other: '{count} conversaciones con mensajes nuevos',
  },
  'page.inbox': 'Bandeja de entrada',
  'page.contacts': 'Contactos',
  'page.broadcasts': 'Difusiones',
  'page.team': 'Equipo',
  'page.business': 'Empresa',
  'page.numbers': 'Números',
  'page.keys': 'Claves de API',
  'page.canned-replies': 'Respuestas guardadas',
  'page.templates': 'Plantillas',
  'page.usage': 'Uso',
  'page.audit': 'Registro de auditoría',
  'page.profile': 'Mi cuenta',
  'page.copy': 'Copiar',
  'page.lost': 'No se pudo cargar esta página. Comprueba la conexión y ábrela de nuevo.',
  'page.not_there': 'Esta pasarela no ofrece esto.',
  'page.refused': 'Tu rol no permite esta página. Un propietario o administrador puede darte otro.',
};
