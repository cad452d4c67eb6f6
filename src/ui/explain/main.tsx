import { mountPage } from '../components/page.tsx';
import { Explain } from './explain.tsx';

mountPage(Explain, 'central');
