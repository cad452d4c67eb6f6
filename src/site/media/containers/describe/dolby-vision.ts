/** Recognises Dolby Vision whose base layer only Dolby decoders show in correct colours. Others show it in green and purple. */

/** Profiles whose base layer is HDR10 or SDR even if their configuration does not say so. */
const COMPATIBLE_PROFILES = new Set([4, 7, 9]);

/**
 * @param compatibility `dv_bl_signal_compatibility_id`: 0 means that the base layer is compatible with nothing
 * @returns the profile's name, or undefined if the base layer can be shown
 */
export function nameIncompatibleProfile(profile: number, compatibility: number): string | undefined {
  const isCompatible = profile !== 5 && (compatibility !== 0 || COMPATIBLE_PROFILES.has(profile));
  return isCompatible ? undefined : `Dolby Vision profile ${profile}`;
}

/** @param box body of `dvcC`, `dvvC` or `dvwC` ("Dolby Vision Streams Within the ISO Base Media File Format", section 3.2) */
export function findIncompatibleProfile(box: Buffer | undefined): string | undefined {
  if (!box || box.length < 5) return undefined;
  return nameIncompatibleProfile((box[2] ?? 0) >> 1, (box[4] ?? 0) >> 4);
}
