// Whether something is what one looks for, as people type it: without accents or capitals, phones with or without "+".

// Letters that Unicode does not take apart into a base and a mark.
const APART = new Map(Object.entries({ ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', đ: 'd', ð: 'd', þ: 'th', ł: 'l', ı: 'i' }));

/** A text as the search sees it: "Tomás Łęcki" is "tomas lecki". */
export function folded(text) {
  return text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[ßæœøđðþłı]/g, (letter) => APART.get(letter));
}

/** Whether one of the texts, or the phone, holds the query. An empty query is in everything. */
export function matches(query, texts, phone) {
  const wanted = folded(query).trim();
  if (wanted === '') return true;
  if (texts.some((text) => text && folded(text).includes(wanted))) return true;
  if (!phone || !/^[+\d\s().\-/]+$/.test(wanted)) return false;
  const digits = wanted.replace(/\D/g, '').replace(/^00/, '');
  return digits !== '' && phone.replace(/\D/g, '').includes(digits);
}
