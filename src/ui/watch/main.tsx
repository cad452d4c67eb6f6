import { mountPage } from '../parts/page.tsx';
import { Watch } from './watch.tsx';

mountPage(Watch);
