/** The keys of the player. It is loaded when somebody opens it. */
import { CloseButton, Dialog } from '../../components/dialog.tsx';
import type { Texts } from '../../i18n/texts.ts';
import { useTranslation } from '../../i18n/use-translation.tsx';

const KEYS: readonly (readonly [readonly string[], keyof Texts['player']['keys']])[] = [
  [['k', '␣'], 'toggle'],
  [['←', '→'], 'skip'],
  [['j', 'l'], 'longSkip'],
  [['0', '…', '9'], 'digits'],
  [['Home', 'End'], 'ends'],
  [[',', '.'], 'frames'],
  [['<', '>'], 'speed'],
  [['↑', '↓'], 'volume'],
  [['m'], 'mute'],
  [['c'], 'captions'],
  [['f'], 'fullscreen'],
  [['p'], 'pictureInPicture'],
  [['n'], 'next'],
  [['?'], 'help'],
];

export function HelpSheet({ onClose }: { readonly onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog title={t.player.help} onClose={onClose} testId="player-help">
      <p class="quiet">{t.player.helpHint}</p>
      <dl class="player-keys">
        {KEYS.map(([keys, name]) => (
          <div key={name}>
            <dt>
              {keys.map(key => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{t.player.keys[name]}</dd>
          </div>
        ))}
      </dl>
      <CloseButton onClose={onClose} />
    </Dialog>
  );
}
