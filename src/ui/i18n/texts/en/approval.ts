/** The English texts of the studio for owners, audiences and approval. */
export const enApproval = {
  approval: {
    heading: 'Awaiting your approval',
    headingHint: 'These videos have not left this site yet. Watch each one, then publish it or send it back.',
    publish: 'Publish',
    sendBack: 'Send back',
    sendBackTitle: (name: string) => `Send "${name}" back to its owner?`,
    comment: 'What should be changed?',
    commentHint: 'The owner sees this text in the studio.',
    commentOf: 'Sent back:',
    submit: 'Submit again',
    uploadHint: 'An editor must approve your videos before others can see them.',
    owner: (name: string) => `Owner: ${name}`,
    ownVideo: 'Your video',
    series: (id: string) => `Series: ${id}`,
    emptyOwn: 'You have no videos yet. Drop a file on this page to upload it.',
    notUploader:
      'You do not have permission to upload to this site. Ask an administrator for the role Author.',
  },
  transfer: {
    open: 'Transfer',
    title: (name: string) => `Transfer "${name}" to another person`,
    explain: 'The new owner can edit and withdraw the video if their roles allow it.',
    loses: 'You may lose access to it.',
    email: 'E-mail address of the new owner',
    find: 'Find person',
    found: (name: string) => `Transfer to ${name}`,
  },
  audience: {
    label: 'Who can watch',
    names: {
      public: 'Anyone',
      internal: 'Members of the organisation',
      groups: 'Selected groups',
      private: 'Anyone with the link',
    },
    hints: {
      public: 'The video is in the public catalogue.',
      internal: 'People who may watch internal videos, and viewers in networks of the organisation.',
      groups: 'Only members of the groups that you choose.',
      private: 'Not listed. You hand out links that expire.',
    },
    widerNeedsPublish:
      'You need the permission to publish to make the video visible to more people. Ask an editor.',
    groups: 'Groups',
    noGroups: 'There are no groups yet. An administrator can create them on the page "People" of central.',
    groupsUnavailable: 'The groups cannot be listed while central is unreachable. Try again later.',
    chooseGroup: 'Choose at least one group.',
  },
};
