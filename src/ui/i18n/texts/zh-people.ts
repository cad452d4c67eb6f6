/** 登录、个人账户与人员管理的中文文字。 */
import type { enPeople } from './en-people.ts';

export const zhPeople: typeof enPeople = {
  me: {
    signIn: '登录',
    signOut: '退出登录',
    account: '我的账户',
    menu: '当前登录：',
    operatorToken: '操作员令牌',
    operatorTokenHint: '您的所有操作都会记录为操作员令牌所为。',
    forgetToken: '清除令牌',
    needed: '请登录后查看此页面。',
    neededHint: '登录后将返回此页面。',
    notPermitted: '您没有查看此页面的权限。',
    notPermittedHint: name => `您当前以${name}的身份登录。请向管理员申请相应的角色，或以其他人的身份登录。`,
    breakGlass: '使用操作员令牌紧急访问',
    breakGlassHint: '用于首次启动，以及无人能够登录的紧急情况。其使用会记录在审计日志中。',
  },
};
