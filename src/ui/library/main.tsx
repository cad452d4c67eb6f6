import { mountPage } from '../parts/page.tsx';
import { Library } from './library.tsx';

mountPage(Library);
