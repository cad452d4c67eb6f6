import { mountPage } from '../parts/page.tsx';
import { Studio } from './studio.tsx';

mountPage(Studio);
