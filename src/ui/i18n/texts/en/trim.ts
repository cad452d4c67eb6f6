/** The English texts of the dialog that trims a video. */
export const enTrim = {
  trim: {
    open: 'Trim',
    title: (name: string) => `Trim ${name}`,
    explain:
      'Set where the video starts and ends. Nothing is encoded, and you can undo this at any time. Old links to the untrimmed files keep working until the video is withdrawn.',
    start: 'Start',
    end: 'End',
    startHere: 'Start here',
    endHere: 'End here',
    timeOf: (mark: string) => `${mark}: time`,
    keys: 'Arrow keys move by one frame, Page Up and Page Down by 25.',
    length: (trimmed: string, whole: string) => `Length: ${trimmed} of ${whole}`,
    preview: 'Preview',
    restore: (length: string) => `Undo the trim (${length})`,
    saving: 'Saving…',
    save: 'Save',
  },
};
