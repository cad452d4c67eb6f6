/** The logo: three streams become one. */
export const Logo = ({ size }: { readonly size: number }) => (
  <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden="true" focusable="false">
    <g fill="none" stroke="currentColor" stroke-linecap="round">
      <path stroke-width="2" opacity=".55" d="M2 10c6 0 9 4 12 8" />
      <path stroke-width="2.4" opacity=".75" d="M12 2c-1 6 0 11 2 16" />
      <path stroke-width="4.4" d="M28 4c-3 7-11 7.500-14 14s5 11 16 11" />
    </g>
  </svg>
);

export const Wordmark = ({ href }: { readonly href: string }) => (
  <a class="wordmark" href={href}>
    <Logo size={32} />
    <span>Tributary</span>
  </a>
);
