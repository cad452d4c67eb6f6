/** The HTML that shows the player in another page, as wide as its surroundings. Pure. */

const escapeAttribute = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');

export function formatEmbedCode(
  address: string,
  name: string,
  { width, height }: { readonly width: number; readonly height: number },
): string {
  const ratio = width > 0 && height > 0 ? `${width} / ${height}` : '16 / 9';
  return `<iframe src="${escapeAttribute(address)}" title="${escapeAttribute(name)}" style="width: 100%; aspect-ratio: ${ratio}; border: 0" allow="autoplay; fullscreen; picture-in-picture" allowfullscreen loading="lazy"></iframe>`;
}
