import { mountPage } from '../components/page.tsx';
import { Library } from './library.tsx';

mountPage(Library, 'site');
