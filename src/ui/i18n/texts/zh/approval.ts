/** 工作台中所有者、观看范围与审批的中文文字。 */
import type { enApproval } from '../en/approval.ts';

export const zhApproval: typeof enApproval = {
  approval: {
    heading: '等待您审批',
    headingHint: '这些视频尚未离开本站点。请逐个观看，然后发布或退回。',
    publish: '发布',
    sendBack: '退回',
    sendBackTitle: name => `将“${name}”退回给所有者？`,
    comment: '需要修改什么？',
    commentHint: '所有者会在工作台中看到这段文字。',
    commentOf: '已退回：',
    submit: '重新提交',
    uploadHint: '您的视频须经编辑审批通过，其他人才能看到。',
    owner: name => `所有者：${name}`,
    ownVideo: '您的视频',
    series: id => `系列：${id}`,
    emptyOwn: '您还没有视频。将文件拖到此页面即可上传。',
    notUploader: '您没有向本站点上传的权限。请向管理员申请“作者”角色。',
  },
  transfer: {
    open: '转让',
    title: name => `将“${name}”转让给他人`,
    explain: '新所有者可以在其角色允许的范围内编辑和下架该视频。',
    loses: '您可能会失去对它的访问权限。',
    email: '新所有者的电子邮件地址',
    find: '查找人员',
    found: name => `转让给 ${name}`,
  },
  audience: {
    label: '谁可以观看',
    names: {
      public: '所有人',
      internal: '组织成员',
      groups: '指定群组',
      private: '持有链接的人',
    },
    hints: {
      public: '视频会显示在公开目录中。',
      internal: '有权观看内部视频的人，以及内部网络中的观众。',
      groups: '仅限所选群组的成员。',
      private: '不在目录中显示。由您分发有有效期的链接。',
    },
    widerNeedsPublish: '要让更多人看到该视频，需要发布权限。请联系编辑。',
    groups: '群组',
    noGroups: '还没有群组。管理员可在中心的“人员”页面创建。',
    groupsUnavailable: '目前无法连接中心，因此无法列出群组。请稍后重试。',
    chooseGroup: '请至少选择一个群组。',
  },
};
