// Chooses English, as the page chooses a language before any view is made.

import { setLanguage } from '../../console/language.js';

await setLanguage('en');
