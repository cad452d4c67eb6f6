import { render } from 'preact';
import { LanguageProvider } from '../i18n/use-translation.tsx';
import { Embed } from './embed.tsx';

const root = document.getElementById('app');
if (root) {
  render(
    <LanguageProvider>
      <Embed />
    </LanguageProvider>,
    root,
  );
}
