import { mountPage } from '../parts/page.tsx';
import { Lost } from './lost.tsx';

mountPage(Lost);
