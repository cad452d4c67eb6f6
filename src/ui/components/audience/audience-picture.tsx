/** The picture of an audience: everyone, an organisation, a group, a link. */
import type { Audience } from '../../../protocol/people/audience.ts';

/** Paths in a square of 24 units, drawn as lines. */
const PICTURES: Readonly<Record<Audience, string>> = {
  public: 'M12 3a9 9 0 1 0 0 18 9 9 0 1 0 0-18M3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18',
  internal: 'M4 21V9l8-5 8 5v12M2 21h20M9 21v-6h6v6',
  groups:
    'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7M2.5 20c0-4 3-6 6.5-6s6.5 2 6.5 6M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14.5c2.3.8 3.5 2.8 3.5 5.5',
  private: 'M10 14a4 4 0 0 0 6 0l4-4a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-4 4a4 4 0 0 0 6 6l1-1',
};

export const AudiencePicture = ({ audience }: { readonly audience: Audience }) => (
  <svg viewBox="0 0 24 24" aria-hidden="true">
    <path d={PICTURES[audience]} />
  </svg>
);
