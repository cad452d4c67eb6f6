/** The name of a language in the language of the page, such as "German" or "德语". Pure. */

/** Both parameters are BCP 47 tags. An invalid `tag` is returned unchanged. */
export function formatLanguageName(tag: string, pageLanguage: string): string | undefined {
  try {
    return new Intl.DisplayNames([pageLanguage], { type: 'language' }).of(tag);
  } catch {
    return tag;
  }
}
