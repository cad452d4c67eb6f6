/** The name of a caption track in the language of the page. Pure. */
import type { SiteCaptions } from '../../../protocol/captions.ts';
import { formatLanguageName } from '../../i18n/language-name.ts';

export function formatTrackName({ language, name, id }: SiteCaptions, pageLanguage: string): string {
  const languageName = language && formatLanguageName(language, pageLanguage);
  return [languageName ?? id, name].filter(Boolean).join(' · ');
}
