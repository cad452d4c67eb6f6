import { mountPage } from '../components/page.tsx';
import { Watch } from './watch.tsx';

mountPage(Watch);
