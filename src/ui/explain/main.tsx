import { mountPage } from '../parts/page.tsx';
import { Explain } from './explain.tsx';

mountPage(Explain);
