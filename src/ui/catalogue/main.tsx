import { mountPage } from '../parts/page.tsx';
import { Catalogue } from './catalogue.tsx';

mountPage(Catalogue);
