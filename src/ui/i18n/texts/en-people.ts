/** The English texts of signing in, of one's account, and of the administration of people. */
export const enPeople = {
  /** The menu of the person in the header of every page. */
  me: {
    signIn: 'Sign in',
    signOut: 'Sign out',
    account: 'My account',
    menu: 'Signed in as',
    operatorToken: 'Operator token',
    operatorTokenHint: 'Everything you do is recorded under the operator token.',
    forgetToken: 'Forget the token',
    needed: 'Sign in to see this page.',
    neededHint: 'You return to this page afterwards.',
    notPermitted: 'You do not have permission to see this page.',
    notPermittedHint: (name: string) =>
      `You are signed in as ${name}. Ask an administrator for the missing role, or sign in as another person.`,
    breakGlass: 'Emergency access with the operator token',
    breakGlassHint:
      'For the first start, and for emergencies in which no one can sign in. Its use is recorded in the audit log.',
  },
};
