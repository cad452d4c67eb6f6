import { mountPage } from '../components/page.tsx';
import { Catalogue } from './catalogue.tsx';

mountPage(Catalogue, 'central');
