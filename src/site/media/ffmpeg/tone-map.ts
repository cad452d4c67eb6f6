/** PQ or HLG to BT.709 through linear light (Hable's curve): an ffmpeg filter chain that needs the `zscale` filter. */
export const TONE_MAP = [
  'zscale=transfer=linear:npl=100',
  'format=gbrpf32le',
  'zscale=primaries=bt709',
  'tonemap=tonemap=hable:desat=0',
  'zscale=transfer=bt709:matrix=bt709:range=tv',
].join(',');
