/** The codecs and profiles that browsers play without conversion. For every other one there is a reason in words. */

/** A reason that completes "The video is …", for example "MPEG-4 Part 2, which browsers cannot play". */
export type Unplayable = string;

const CANNOT = 'which browsers cannot play';

/** Common names of codecs, by sample entry type (MP4, MOV) or codec id (Matroska). */
const KNOWN_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^(mp4v|V_MPEG4\/ISO\/(A?SP|AP)|xvid|XVID|DIVX|DX50)$/, 'MPEG-4 Part 2'],
  [/^V_MS\/VFW\/FOURCC$/, 'a Video for Windows codec'],
  [/^A_MS\/ACM$/, 'a Windows ACM codec'],
  [/^(ap4h|ap4x|apch|apcn|apcs|apco|V_PRORES)$/, 'Apple ProRes'],
  [/^(jpeg|mjpa|mjpb|mjpg|V_MJPEG)$/, 'Motion JPEG'],
  [/^(m2v1|mp2v|hdv\d|mx\dn|V_MPEG2|V_MPEG1)$/, 'MPEG-2'],
  [/^(AVdn|AVdh)$/, 'Avid DNxHD'],
  [/^(dvc |dvcp|dvpp|dv5n|dv5p|dvh\d|dvhp)$/, 'DV'],
  [/^(s263|h263)$/, 'H.263'],
  [/^(SVQ\d)$/, 'Sorenson Video'],
  [/^(CFHD)$/, 'GoPro CineForm'],
  [/^(vvc1|vvi1|V_MPEGI\/ISO\/VVC)$/, 'H.266'],
  [/^(vp08|V_VP8)$/, 'VP8'],
  [/^(V_THEORA)$/, 'Theora'],
  [/^(png |rle |raw |2vuy|v210|v410|r210|V_UNCOMPRESSED|yuv2)$/, 'uncompressed or Animation video'],
  [/^(ac-3|A_AC3.*)$/, 'Dolby Digital (AC-3)'],
  [/^(ec-3|A_EAC3)$/, 'Dolby Digital Plus (E-AC-3)'],
  [/^(ac-4)$/, 'Dolby AC-4'],
  [/^(dts[a-z+-]|A_DTS.*)$/, 'DTS'],
  [/^(mlpa|A_TRUEHD|A_MLP)$/, 'Dolby TrueHD'],
  [/^(alac|A_ALAC)$/, 'Apple Lossless'],
  [/^(sowt|twos|lpcm|ipcm|fpcm|in24|in32|fl32|fl64|raw |NONE|A_PCM.*)$/, 'uncompressed PCM'],
  [/^(ulaw|alaw)$/, 'telephone audio (G.711)'],
  [/^(samr|sawb)$/, 'AMR'],
  [/^(A_VORBIS)$/, 'Vorbis'],
  [/^(A_MPEG\/L2|\.mp2)$/, 'MPEG audio layer 2'],
  [/^(apac)$/, 'Apple spatial audio'],
];

/** The common name of a codec, or else its name in the container. */
function nameCodec(codecName: string): string {
  for (const [pattern, name] of KNOWN_NAMES) if (pattern.test(codecName)) return name;
  const plain = codecName.replaceAll(/[^\x21-\x7e]/g, '').slice(0, 40);
  return plain ? `in the codec "${plain}"` : 'in an unknown codec';
}

export const unplayableCodec = (codecName: string): Unplayable => `${nameCodec(codecName)}, ${CANNOT}`;

/** Browsers play the H.264 profiles with 8 bits and 4:2:0 (ITU-T H.264, annex A). */
export function checkH264(avcC: Uint8Array): Unplayable | undefined {
  const profile = avcC[1]!;
  if (profile === 66 || profile === 77 || profile === 88 || profile === 100) return undefined;
  const names: Readonly<Record<number, string>> = { 110: '10-bit', 122: '4:2:2', 244: '4:4:4', 44: '4:4:4' };
  return `H.264 in a professional profile (${names[profile] ?? `profile ${profile}`}), ${CANNOT}`;
}

/** Browsers play HEVC Main and Main 10 (ITU-T H.265, annex A), named by the profile or by a compatibility flag. */
export function checkHevc(hvcC: Uint8Array): Unplayable | undefined {
  const profile = hvcC[1]! & 31;
  const compatible = hvcC[2]!;
  if (profile === 1 || profile === 2 || (compatible & 0x60) !== 0) return undefined;
  return `HEVC in a professional profile (profile ${profile}), ${CANNOT}`;
}

/** @param codec RFC 6381 string `vp09.PP.LL.DD…`; profiles 0 (8 bits) and 2 (10 bits) are 4:2:0 */
export function checkVp9(codec: string): Unplayable | undefined {
  const [, profile, , depth] = codec.split('.');
  if ((profile === '00' && depth === '08') || (profile === '02' && depth === '10')) return undefined;
  return `VP9 in a professional profile (profile ${Number(profile)}, ${Number(depth)} bits), ${CANNOT}`;
}

/** @param codec RFC 6381 string `av01.P.LLT.DD…`; profile 0 is 4:2:0 with 8 or 10 bits */
export function checkAv1(codec: string): Unplayable | undefined {
  const [, profile, , depth] = codec.split('.');
  if (profile === '0' && (depth === '08' || depth === '10')) return undefined;
  return `AV1 in a professional profile (profile ${profile}, ${Number(depth)} bits), ${CANNOT}`;
}

/** Browsers play the audio object types LC, HE (SBR) and HE v2 (PS) of ISO/IEC 14496-3. */
export function checkAac(codec: string): Unplayable | undefined {
  if (codec === 'mp4a.67') return undefined;
  const objectType = Number(codec.slice('mp4a.40.'.length));
  if (objectType === 2 || objectType === 5 || objectType === 29) return undefined;
  return `AAC in an unusual profile (object type ${objectType}), ${CANNOT}`;
}
