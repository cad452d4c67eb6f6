/** The English texts of the pages by which viewers find videos. */
export const enCatalogue = {
  card: {
    captions: 'Captions',
    length: 'Length',
    watched: (share: string) => `${share} watched`,
  },
};
