declare module 'opencc-js/dict/TSCharacters' {
  /** Pairs of a traditional character and its simplified forms: `舊 旧|…`. */
  const table: string;
  // biome-ignore lint/style/noDefaultExport: the package exports it so
  export default table;
}
