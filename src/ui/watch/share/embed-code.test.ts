import { expect, it } from 'vitest';
import { formatEmbedCode } from './embed-code.ts';

it('is one element whose name cannot end an attribute', () => {
  const code = formatEmbedCode('https://v.example/embed/a?t=5&x=1', 'A "b" <script>', {
    width: 1920,
    height: 1080,
  });
  expect(code).toContain('src="https://v.example/embed/a?t=5&amp;x=1"');
  expect(code).toContain('title="A &quot;b&quot; &lt;script>"');
  expect(code).toContain('aspect-ratio: 1920 / 1080');
  expect(formatEmbedCode('https://v.example/embed/a', '', { width: 0, height: 0 })).toContain('16 / 9');
});
