/** Signs a browser in to the demo, as one of its people, in the way that a person does. */
import type { Page } from 'playwright-core';

/** A part of the name of one of the people of the demo. */
export type DemoName = 'Wang Fang' | 'Li Na' | 'Zhang Wei';

/**
 * Opens a page that needs a person. The page leads to the sign-in page of central, where one click signs in; a browser that is signed in
 * at central needs none.
 */
export async function openSignedIn(page: Page, url: string, name: DemoName = 'Wang Fang'): Promise<void> {
  const { origin } = new URL(url);
  await page.goto(url);
  const person = page.getByTestId('demo-people').getByRole('button', { name });
  await person.click();
  await page.waitForURL(address => address.origin === origin && !address.pathname.startsWith('/sign-in'));
}
