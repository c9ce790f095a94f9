// Spanish: the page of one's own account.

export default {
  // Who one is
  'profile.about': 'Sobre mí',
  'profile.saved': 'Tus datos están guardados',
  'profile.since': 'Aquí desde',
  'profile.policy': 'Política de privacidad',
  'profile.policy_accepted': 'versión {version}, aceptada el {when}',
  'policy.accepted': 'Gracias, queda anotado',
  'email.change': 'Cambiar el correo electrónico',
  'email.new': 'Nuevo correo electrónico',
  'email.hint': 'Le llegará un enlace. La dirección anterior vale hasta que sigas el enlace.',
  'email.sent': 'Un enlace va de camino a {email}. La dirección cambia cuando lo sigas.',

  // How it looks
  'looks.title': 'Idioma y tema',
  'looks.about': 'Este navegador los guarda en dos cookies. Aparte de estas y de la que mantiene tu sesión, no guarda nada sobre ti.',
  'language.use': 'Usar este idioma',
  'language.reloads': 'La página se carga de nuevo. Lo que hayas escrito y no enviado se pierde.',

  // How one signs in
  'password.title': 'Cambiar la contraseña',
  'password.now': 'Contraseña actual',
  'password.change': 'Cambiarla',
  'password.changing': 'Cambiando…',
  'password.changed': 'La contraseña ha cambiado y todas las demás sesiones han terminado',
  'password.not_yours': 'Esta no es tu contraseña.',
  'password.signs_out': 'Se cerrará tu sesión en todos los demás lugares.',
  'sessions.title': 'Mis sesiones',
  'sessions.about': 'Dónde tienes la sesión iniciada. Termina lo que no conozcas y cambia entonces tu contraseña.',
  'sessions.this': '{name} (esta)',
  'sessions.used': 'usada {used}, desde el {since}',
  'sessions.end': 'Terminar',
  'sessions.end_one': 'Terminar la sesión de {name}, desde el {since}',
  'sessions.ended': 'Esa sesión ha terminado',
  'sessions.end_others': 'Cerrar sesión en todos los demás lugares',
  'sessions.others_ended': 'Sesión cerrada en todos los demás lugares',
  'browser.on': '{browser} en {system}',
  'browser.unknown': 'Un navegador desconocido',
  'tenants.here': 'Estás aquí',
  'tenants.go': 'Trabajar aquí',
  'tenants.go_to': 'Trabajar para {name}',
  'sign_ins.title': 'Intentos de iniciar sesión',
  'sign_ins.about': 'Lo que no conozcas puede ser alguien que prueba tu contraseña. Cámbiala y activa el segundo factor.',
  'sign_ins.none': 'Todavía no hay nada anotado.',
  'sign_ins.more': 'Anteriores',
  'sign_ins.signed_in': 'Sesión iniciada',
  'sign_ins.wrong_password': 'Contraseña incorrecta',
  'sign_ins.wrong_code': 'Código incorrecto',
  'sign_ins.password_reset': 'Contraseña nueva mediante un enlace',
  'sign_ins.new_device': 'un dispositivo nuevo',

  // How one leaves
  'tenants.mine': 'Mis empresas',
};
