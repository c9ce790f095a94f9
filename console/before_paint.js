// Runs before the page is painted, which modules do not: nobody who chose the dark sees a white flash.
{
  const chosen = /(?:^|; )theme=(light|dark)(?:;|$)/.exec(document.cookie);
  if (chosen) document.documentElement.dataset.theme = chosen[1];
}
