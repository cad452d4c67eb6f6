/** Selects renditions between which a player can switch without a change of codec. Pure. */
import type { AudioRendition, Rendition, VideoRendition } from '../../../protocol/media/media.ts';

type Media = VideoRendition | AudioRendition;

/** Every browser plays these. */
const PREFERRED = ['avc1', 'mp4a'];

/**
 * The variants of one video codec and one audio codec, with their audio: H.264 and AAC if there are any, otherwise those of the
 * first variant. Captions are kept.
 */
export function selectOneCodec(renditions: readonly Rendition[]): readonly Rendition[] {
  const videos = renditions.filter((r): r is VideoRendition => r.kind === 'video');
  const audios = renditions.filter((r): r is AudioRendition => r.kind === 'audio');
  const audiosOf = (variant: Media): readonly AudioRendition[] =>
    variant.kind === 'audio' ? [] : audios.filter(({ group }) => group === variant.audioGroup);
  const familiesOf = (variant: Media): string =>
    [variant, ...audiosOf(variant)].map(({ codec }) => familyOf(codec)).join(' ');
  const rankOf = (variant: Media): number =>
    familiesOf(variant)
      .split(' ')
      .filter(family => !PREFERRED.includes(family)).length;

  const variants: readonly Media[] = videos.length > 0 ? videos : audios;
  const [first] = [...variants].sort((a, b) => rankOf(a) - rankOf(b));
  if (!first) return renditions;
  const selected = variants.filter(variant => familiesOf(variant) === familiesOf(first));
  const kept = new Set<Rendition>([...selected, ...selected.flatMap(audiosOf)]);
  return renditions.filter(rendition => rendition.kind === 'captions' || kept.has(rendition));
}

/** `hvc1` and `hev1`, and `avc1` and `avc3`, are one codec each. */
const familyOf = (codec: string): string => {
  const [name = ''] = codec.split('.', 1);
  return name === 'avc3' ? 'avc1' : name === 'hev1' ? 'hvc1' : name.toLowerCase();
};
