import { mountPage } from '../components/page.tsx';
import { Studio } from './studio.tsx';

mountPage(Studio, 'site');
