import { mountPage } from '../components/page.tsx';
import { reloadOnOtherGrant } from './private-links/grant.ts';
import { Watch } from './watch.tsx';

reloadOnOtherGrant();
mountPage(Watch, 'central');
